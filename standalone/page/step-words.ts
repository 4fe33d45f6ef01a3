/** What the steps say and look for, by what Northwind's desk is. */
export type StepWords = {
  /** Northwind's action kinds, and what stands on their buttons. */
  readonly update: { readonly kind: string; readonly button: string };
  /** Null where the desk can't have the end user mailed by way of the customer's. */
  readonly indirect: { readonly kind: string; readonly button: string } | null;
  readonly resolve: { readonly kinds: readonly string[]; readonly button: string };
  /** A kind of Northwind's that mails by itself. */
  readonly mailing: string;
  /** Whether resolving mails the end user a closure. */
  readonly closureMail: boolean;
};

export const haloWords: StepWords = {
  update: { kind: 'Update', button: 'Update' },
  indirect: { kind: 'Indirect email to end user', button: 'Indirect e-mail' },
  resolve: { kinds: ['Resolve third party ticket', 'Resolve'], button: 'Resolve' },
  mailing: 'Email customer',
  closureMail: true,
};

export const rtWords: StepWords = {
  update: { kind: 'Correspond', button: 'Reply' },
  indirect: null,
  resolve: { kinds: ['Status', 'Correspond', 'Resolve'], button: 'Resolve' },
  mailing: 'Correspond',
  closureMail: false,
};
