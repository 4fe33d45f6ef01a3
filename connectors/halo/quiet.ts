/** Halo's switches for writes that mail nobody and start nothing. */

/** What every write says, so that nobody is mailed and nothing is started. */
export function quiet(mailsUser: boolean): Readonly<Record<string, boolean>> {
  return {
    dont_do_rules: true,
    _dont_fire_automations: true,
    ...(mailsUser ? {} : { _prevent_outgoing: true }),
  };
}
