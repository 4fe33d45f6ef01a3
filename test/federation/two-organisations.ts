/** Acme and North, each with its own gateway, paired; what Acme's end users may see reaches them. */
import { assertAgree } from './between.ts';
import { shown } from './desk-notes.ts';
import { pair, startOrganisation, visibleToUsers, type Organisation } from './organisations.ts';

export type TwoOrganisations = {
  readonly acme: Organisation;
  readonly north: Organisation;
  readonly link: string;
  /** Waits until everything is carried, then asserts design §10 at both and between them. */
  agree(): Promise<void>;
  /** A ticket of Acme and the one that its escalation has opened at North. */
  opened(): Promise<{ readonly ticket: string; readonly far: string }>;
  close(): Promise<void>;
};

export async function startTwoOrganisations(
  label: string,
  options: Parameters<typeof startOrganisation>[2] = {},
): Promise<TwoOrganisations> {
  const [acme, north] = await Promise.all([
    startOrganisation('acme', label, options),
    startOrganisation('north', label, options),
  ]);
  const link = await pair(acme, north, { customer: visibleToUsers });
  return {
    acme,
    north,
    link,
    agree: () => assertAgree(acme, north, link, { mayWiden: (kind) => kind === 'Note' }),
    async opened() {
      const ticket = await acme.desk.open();
      await acme.desk.escalate(ticket);
      const far = await shown(() => acme.desk.ticket(ticket).reference ?? undefined, 'the number of the far ticket');
      return { ticket, far };
    },
    async close() {
      await acme.close();
      await north.close();
    },
  };
}
