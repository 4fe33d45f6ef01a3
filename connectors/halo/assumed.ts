/**
 * All of this connector's assumptions about Halo that its API does not confirm. Each was observed at a real Halo or is in the vendor's
 * request schema; docs/connectors/halo.md says which.
 */

export const assumed = {
  /** The most rows that a page is ever asked for; Halo gives no more, some builds give fewer. */
  pageRows: 100,
  /** A list that is not paged and shorter than this is whole: the smallest cap that anybody has met is 50. */
  surelyWholeRows: 25,
  /** The status that every Halo closes tickets with. Others are known by the filter for open ones, or by options. */
  closedStatusId: 9,
  /** What an action names as its application where a person works in the web client. */
  webClient: 'nethelpdesk-agent-web-application',
  /** `who_type` of what the desk itself did. */
  systemWho: 0,
  /** `technew` of a field that a new ticket must have; 0 is hidden, 1 optional, 2 recommended. */
  mandatoryField: 3,
  /** FieldInfo's `typeid` for fields of tickets. */
  ticketFields: 1,
  /** How far a look for news looks back, and how long after our write the desk may still act because of it. Milliseconds. */
  overlapMs: 5_000,
  settleMs: 5_000,
  /** Within five minutes: the lower of the two limits that were met. */
  requestLimit: 300,
  /** A write may be readable only minutes later; until then a ticket that is not found may still be there. Milliseconds. */
  readableAfterMs: 600_000,
} as const;
