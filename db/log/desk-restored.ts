/** A desk shows another action under a known id: it was restored from a backup and assigns ids a second time. */
import type { Ref } from '#core/words/vocabulary.ts';

/** Thrown before anything of the reading is logged; the caller that catches it quarantines the instance. */
export class DeskRestored extends Error {
  override readonly name = 'DeskRestored';
  readonly instance: string;
  /** Absent if the desk's list of changes revealed it. */
  readonly ticket: string | undefined;

  constructor({ instance, externalId }: Pick<Ref, 'instance'> & Partial<Ref>, id?: string) {
    super(
      externalId === undefined
        ? `${instance} lists fewer changes than it did`
        : `${instance} shows another action ${id ?? ''} of ticket ${externalId} than it did`,
    );
    this.instance = instance;
    this.ticket = externalId;
  }
}
