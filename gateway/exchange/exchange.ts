/** `POST …/tickets`, `…/actions` and `…/receipts`, with which one side sends to the other. Answers only after the commit. */
import { otherSide } from '#core/words/ends.ts';
import type { Context } from 'hono';
import type { SideName } from '#core/words/vocabulary.ts';
import { sideNames } from '#core/words/vocabulary.ts';
import type { WireAction, WireAnswer } from '#core/wire.ts';
import { linkEnds, receiveActions, type ReceiveActions } from '#db/exchange/receive-actions.ts';
import { receiveReceipts } from '#db/exchange/receive-receipts.ts';
import type { Room } from '#gateway/limits/room.ts';
import { ProblemError } from '#gateway/problems.ts';
import type { CheckSignatures } from './check-signature.ts';
import type { ApiDeps } from './deps.ts';
import { decisionsOf, questionsOn, type Decision } from './dry-run.ts';
import { endpoint, type Api } from './endpoint.ts';
import { answerSchema, batchSchema, dryRunQuery, mirrorParams, openingSchema, receiptsSchema } from './schemas.ts';
import { transact, tryOut } from './transact.ts';

type Deps = ApiDeps & { readonly room: Room };

const answers = {
  200: { description: 'A result per action, up to the first deferred one.', schema: answerSchema },
};

export function exchangeEndpoints(api: Api, deps: Deps, checkSignatures: CheckSignatures): void {
  endpoint(
    api,
    {
      method: 'post',
      path: '/v1/supplier/tickets',
      id: 'escalate',
      summary: 'Escalate a ticket',
      description: "The customer asks the supplier to open a ticket. The action's id becomes the id of the mirror.",
      tags: ['supplier'],
      asks: 'supplier',
      query: dryRunQuery,
      body: openingSchema,
      answers,
      problems: ['constant-differs', 'keys-unavailable', 'not-found'],
    },
    async (c, { caller, query, body }) => {
      const { action } = body;
      await deps.clients.actions(caller.client, 1);
      const input = { link: caller.link, from: caller.role, mirror: action.constant.id, actions: [action], open: true };
      const answer = await take(deps, checkSignatures, caller.instance, input, query.dryRun === 'true');
      if (answer.results[0]?.reason?.code === 'constant-differs')
        throw new ProblemError('constant-differs', answer.results[0].reason.text);
      return c.json(answer, 200);
    },
  );
  for (const side of sideNames) sideEndpoints(api, deps, checkSignatures, side);
}

function sideEndpoints(api: Api, deps: Deps, checkSignatures: CheckSignatures, side: SideName): void {
  const other = otherSide(side);
  endpoint(
    api,
    {
      method: 'post',
      path: `/v1/${side}/tickets/{mirror}/actions`,
      id: `${side}Actions`,
      summary: `Send actions to the ${side}`,
      description: `Up to 50 of one lane, in order. Called by the ${other}.`,
      tags: [side],
      asks: side,
      params: mirrorParams,
      query: dryRunQuery,
      body: batchSchema,
      answers,
      problems: ['keys-unavailable'],
    },
    async (c, { caller, params, query, body }) => {
      const { link, role } = caller;
      await deps.clients.actions(caller.client, body.actions.length);
      const input = { link, from: role, mirror: params.mirror, actions: body.actions, open: false };
      return c.json(await take(deps, checkSignatures, caller.instance, input, query.dryRun === 'true'), 200);
    },
  );
  endpoint(
    api,
    {
      method: 'post',
      path: `/v1/${side}/tickets/{mirror}/receipts`,
      id: `${side}Receipts`,
      summary: `Send the ${side} the outcomes of its actions`,
      description: `Up to 50 of one lane, in order; they share the lane's seqs with actions. Called by the ${other}.`,
      tags: [side],
      asks: side,
      params: mirrorParams,
      query: dryRunQuery,
      body: receiptsSchema,
      answers: { 200: { description: "A result per receipt; its id is the action's.", schema: answerSchema } },
      problems: [],
    },
    async (c, { caller, params, query, body }) => {
      const { link, role } = caller;
      await deps.clients.actions(caller.client, body.receipts.length);
      const directory = await deps.directory();
      const input = { link, from: role, mirror: params.mirror, receipts: body.receipts, directory };
      const work = query.dryRun === 'true' ? tryOut : transact;
      const received = await work(deps.db, (unit) => receiveReceipts(unit, deps.cache, input));
      if (received === null) throw new ProblemError('not-found');
      if (query.dryRun !== 'true') deps.wake(received.wake);
      return answered(c, received.answer);
    },
  );
}

function answered(c: Context, answer: WireAnswer): Response {
  return c.json(answer, 200);
}

type Answer = WireAnswer & { readonly decisions?: readonly Decision[] };

async function take(
  deps: Deps,
  checkSignatures: CheckSignatures,
  instance: string,
  input: Omit<ReceiveActions, 'directory' | 'faults' | 'keys' | 'notes'>,
  dryRun: boolean,
): Promise<Answer> {
  const { db, cache } = deps;
  const { link, from, actions } = input;
  const [ends, directory] = await Promise.all([linkEnds(db, link, from), deps.directory()]);
  if (ends === null || ends.receiver !== instance) throw new ProblemError('not-found');
  const sender = { link, instance: ends.sender, type: ends.senderType };
  const { faults, keys } = await checkSignatures(directory, sender, actions);
  // Before the transaction, so that no foreign text is parsed while locks are held.
  const notes = await readNotes(deps, actions, faults);
  const room = await deps.room.of(link, ends.receiver);
  const receive = { ...input, directory, faults, keys, notes, room };
  if (dryRun) {
    const tried = await tryOut(db, async (unit) => {
      const received = await receiveActions(unit, receive);
      if (received === null) return null;
      const taken = acceptedOf(actions, received.answer);
      const { mirror, idOf } = received.here;
      const asked = await questionsOn(unit.tx, cache, { lane: { mirror, to: ends.receiver }, actions: taken, idOf });
      return { answer: received.answer, asked };
    });
    if (tried === null) throw new ProblemError('not-found');
    return { ...tried.answer, decisions: await decisionsOf(deps, tried.asked) };
  }
  const received = await transact(db, (unit) => receiveActions(unit, receive));
  if (received === null) throw new ProblemError('not-found');
  deps.room.took(link, ends.receiver, acceptedOf(actions, received.answer).length);
  deps.wake(received.wake);
  return received.answer;
}

/** Returns the sanitised notes of valid actions, by index in the batch. */
async function readNotes(
  { texts }: ApiDeps,
  actions: readonly WireAction[],
  faults: ReadonlyMap<number, unknown>,
): Promise<ReadonlyMap<number, string>> {
  const notes = new Map<number, string>();
  for (const [place, { constant }] of actions.entries()) {
    if (constant.note === null || faults.has(place)) continue;
    const images = constant.attachments.map(({ id }) => id);
    notes.set(place, await texts.html(constant.note, images));
  }
  return notes;
}

function acceptedOf(actions: readonly WireAction[], { results }: WireAnswer): readonly WireAction[] {
  return actions.filter((_, place) => results[place]?.status === 'accepted');
}
