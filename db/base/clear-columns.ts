/**
 * Every text or JSON column that stays in clear text although contents are sealed, and why. Together with
 * `contentShapes` these are all such columns: test/db/base/content.test.ts compares both with the database, so that
 * every new column has to be judged.
 */
export const clearColumns: Readonly<Record<string, readonly string[]>> = {
  'ids, numbers and addresses of records: looked up, compared, indexed': [
    ...['actions.instance', 'actions.entity', 'actions.ticket', 'actions.external_id', 'actions.origin', 'actions.via'],
    'actions.vouched_by',
    ...['actions.trace', 'attachments.id', 'attachments.sha256', 'deliveries.to_instance', 'deliveries.via'],
    ...[
      'mirrors.link',
      'mirrors.first_instance',
      'mirrors.first_entity',
      'mirrors.first_ticket',
      'mirrors.first_number',
    ],
    ...['mirrors.first_url', 'mirrors.second_instance', 'mirrors.second_entity', 'mirrors.second_ticket'],
    ...['mirrors.second_number', 'mirrors.second_url', 'lanes.to_instance', 'lanes.link', 'tickets.instance'],
    ...['tickets.entity', 'tickets.external_id', 'hints.instance', 'hints.entity', 'hints.ticket', 'put_off.instance'],
    ...['put_off.entity', 'put_off.ticket', 'offers.link', 'uploads.link', 'uploads.sha256', 'unused_files.sha256'],
    ...['writes.instance', 'writes.entity', 'writes.ticket', 'writes.written', 'written_ids.instance'],
    ...[
      'written_ids.entity',
      'written_ids.ticket',
      'written_ids.external_id',
      'erasures.link',
      'tickets.floor',
      'tickets.high',
      'tickets.snapshot_top',
    ],
    ...['tickets.mark', 'instances.live_after', 'trials.instance', 'trials.ticket', 'trials.known'],
  ],
  'words of our own, chosen from a fixed set': [
    ...['actions.audience', 'actions.visibility', 'actions.send_to', 'actions.reason', 'attempts.result'],
    ...['attempts.versions', 'deliveries.kind', 'deliveries.outcome', 'deliveries.far', 'mirrors.state'],
    ...[
      'mirrors.close_reason',
      'mirrors.pause_reason',
      'mirrors.turns',

      'instances.clock_by',
      'writes.state',
      'written_ids.as',
    ],
    ...['erasures.direction', 'erasures.state', 'notices.link', 'notices.cause', 'attachments.type', 'uploads.type'],
  ],
  'markers, hashes and signatures: compared; a guessed text can be checked against its hash': [
    ...[
      'actions.hash',
      'actions.mark',
      'actions.signature',
      'deliveries.sent_hash',
      'writes.marker',
      'trials.marker',
      'writes.fingerprints',
    ],
  ],
  'settings, catalogues and names of helpdesks: set by operators, asked by SQL': [
    ...['catalogues.instance', 'catalogues.catalogue', 'instances.id', 'instances.type', 'instances.name'],
    ...[
      'instances.url',
      'instances.identity',
      'instances.options',
      'instances.learned',
      'instances.state',
      'instances.state_reason',
      'instances.quarantine_reason',
      'links.id',
      'links.state',
    ],
    ...['links.state_reason', 'links.settings', 'profiles.id', 'profiles.settings', 'settings.side'],
    ...['settings.settings', 'settings.profile', 'settings.own', 'settings.changed_by', 'sides.id', 'sides.link'],
    ...['sides.side', 'sides.place', 'sides.instance', 'people.side', 'people.far', 'people.local', 'budgets.instance'],
    ...['couriers.instance', 'feeds.instance', 'feeds.entity', 'feeds.cursor'],
    ...['saved_settings.subject', 'saved_settings.settings', 'saved_settings.changed_by'],
    ...['trials.statuses', 'trials.fields'],
  ],
  'who is on duty, and who did what: operators, not those whose tickets are carried': [
    ...[
      'links.suspended_by',
      'links.far_contact',
      'links.own_contact',
      'pairings.contact',
      'pairings.created_by',
      'audit.by',
      'audit.what',
    ],
    ...['audit.subject', 'audit.detail', 'erasures.answer'],
  ],
  'other gateways and tools, their keys and addresses': [
    ...['clients.id', 'clients.link', 'clients.role', 'clients.instance', 'clients.secrets', 'clients.jwks_uri'],
    ...['clients.jwks', 'clients.dpop', 'content_keys.kid', 'gateway.fingerprint', 'gateway.public_url', 'keys.kid'],
    ...['keys.instance', 'keys.use', 'keys.public', 'origin_keys.origin', 'origin_keys.kid', 'origin_keys.key'],
    ...['origin_keys.vouched_by', 'pairings.link', 'pairings.side', 'pairings.instance', 'pairings.code_hash'],
    ...['pairings.state', 'pairings.name', 'pairings.issuer', 'pairings.checks', 'peers.link', 'peers.instance'],
    ...['peers.issuer', 'peers.client_id', 'peers.api', 'peers.dpop', 'peers.far_link', 'peers.said'],
    ...['seen_jtis.client', 'seen_jtis.jti', 'webhooks.link', 'webhooks.url', 'webhooks.disabled_reason'],
    ...['instances.hook_secret_hash'],
  ],
  'secrets, which FERRY_SECRET_KEY seals': [
    ...['instances.credentials', 'keys.private', 'pairings.code', 'webhooks.secret'],
  ],
};
