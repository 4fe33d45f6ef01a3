/** The words that the steps show and look for, which depend on the type of Northwind's desk. */
export type StepWords = {
  /** Northwind's action kinds, and the labels of their buttons. */
  readonly update: { readonly kind: string; readonly button: string };
  /** Null if agents of this desk can't mail the end user through the customer's desk. */
  readonly indirect: { readonly kind: string; readonly button: string } | null;
  readonly resolve: { readonly kinds: readonly string[]; readonly button: string };
  /** An action kind of Northwind that itself sends mail. */
  readonly mailing: string;
  /** Whether resolving sends the end user a closure mail. */
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
