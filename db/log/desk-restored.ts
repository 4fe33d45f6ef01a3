/** A desk shows another action under an id that is known: it was restored from a backup, and gives ids a second time. */
import type { Ref } from '#core/words/vocabulary.ts';

/** Nothing of the reading is logged; whoever gets this puts the instance into quarantine. */
export class DeskRestored extends Error {
  override readonly name = 'DeskRestored';
  readonly instance: string;
  /** `ticket` is absent where the desk's list of changes tells it. */
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
