/**
 * `HEAD`, `PUT` and `GET /v1/attachments/{sha256}`. A file is stored once, even if several callers put it. Each link sees only
 * files that it has put itself or that an action on one of its mirrors refers to; every other file answers 404.
 */
import { Readable, Transform } from 'node:stream';
import { create as contentDisposition } from 'content-disposition';
import type { Context } from 'hono';
import { z } from '@hono/zod-openapi';
import { BlobDiffersError, BlobTooLargeError, type Staged } from '#blobs/store.ts';
import { safeName } from '#core/text/safe-name.ts';
import { findUpload, rememberUpload } from '#db/exchange/uploads.ts';
import type { ApiDeps } from './deps.ts';
import { assertCarries, endpoint, type Api } from './endpoint.ts';
import { createFileRoom } from './file-room.ts';
import type { FilePlace } from '#gateway/limits/clients.ts';
import { fileParams } from './schemas.ts';
import { ProblemError } from '#gateway/problems.ts';
import { sha256Of } from './digest.ts';
import { plainBytes, sniff, sniffedBytes } from './sniff.ts';

const path = '/v1/attachments/{sha256}';
const tags = ['attachments'];

const putAnswer = z.object({ sha256: z.string(), sizeBytes: z.int().min(0), type: z.string() });

export function attachmentEndpoints(api: Api, deps: ApiDeps): void {
  const room = createFileRoom(deps);
  endpoint(
    api,
    {
      method: 'get',
      path,
      id: 'getAttachment',
      summary: 'A file by its SHA-256',
      description: 'HEAD says whether it is stored here. Browsers save it and never display it.',
      tags,
      params: fileParams,
      answers: { 200: { description: 'The bytes.' } },
      problems: ['link-suspended', 'link-quarantined'],
    },
    async (c, { caller, params }) => {
      if (c.req.raw.method !== 'HEAD') assertCarries(caller.linkState);
      const found = await findUpload(deps.db, caller.link, params.sha256);
      if (found === null || !(await deps.blobs.has(params.sha256))) throw new ProblemError('not-found');
      const headers = {
        'content-type': found.type ?? plainBytes,
        'content-length': String(found.sizeBytes),
        'content-disposition': contentDisposition(safeName(found.name ?? params.sha256)),
        'content-security-policy': "sandbox; default-src 'none'",
        'x-content-type-options': 'nosniff',
        'cache-control': 'private, no-store',
      };
      if (c.req.raw.method === 'HEAD') return c.body(null, 200, headers);
      const place = await deps.clients.file(caller.client);
      const file = deps.blobs.open(params.sha256).once('close', place.leave);
      const paced = file.pipe(pacedBy(place)).once('close', () => file.destroy());
      file.once('error', (error) => paced.destroy(error));
      return c.body(Readable.toWeb(paced) as ReadableStream, 200, headers);
    },
  );
  endpoint(
    api,
    {
      method: 'put',
      path,
      id: 'putAttachment',
      summary: 'Store a file',
      description:
        'Content-Length and Content-Digest (`sha-256=:…:`, RFC 9530) are required. Storing the same file again changes nothing.',
      tags,
      carries: true,
      params: fileParams,
      answers: { 200: { description: 'The file is stored.', schema: putAnswer } },
      problems: [
        'invalid-digest',
        'size-differs',
        'length-required',
        'file-too-large',
        'encoded-body',
        'digest-differs',
        'insufficient-storage',
        'too-many-files',
      ],
    },
    async (c, { caller, params }) => {
      const sizeBytes = sizeOf(c, deps, params.sha256);
      const place = await deps.clients.file(caller.client);
      try {
        const leaveRoom = await room.keep(caller, sizeBytes);
        try {
          const { staged, type } = await take(c, deps, { sha256: params.sha256, sizeBytes }, place);
          await rememberUpload(deps.db, caller.link, { ...staged, type });
          return c.json({ ...staged, type });
        } finally {
          leaveRoom();
        }
      } finally {
        place.leave();
      }
    },
  );
}

const closing = { headers: { connection: 'close' } };

/** Reads the promised digest and size. @throws ProblemError if they are missing, wrong or too large */
function sizeOf(c: Context, { attachmentBytes }: ApiDeps, wanted: string): number {
  const encoding = c.req.header('content-encoding');
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity')
    throw new ProblemError('encoded-body', 'Send the file without Content-Encoding.', closing);
  const promised = sha256Of(c.req.header('content-digest'));
  if (promised === null)
    throw new ProblemError('invalid-digest', 'Send Content-Digest: sha-256=:…: of the bytes, in base64.', closing);
  if (promised !== wanted)
    throw new ProblemError('digest-differs', 'Content-Digest and the path name different files.', closing);
  const length = c.req.header('content-length');
  if (length === undefined || !/^\d{1,15}$/.test(length))
    throw new ProblemError('length-required', 'Send Content-Length, not a chunked body.', closing);
  const sizeBytes = Number(length);
  if (sizeBytes > attachmentBytes)
    throw new ProblemError('file-too-large', `This link takes files of at most ${attachmentBytes} bytes.`, closing);
  return sizeBytes;
}

/** Passes bytes on at the client's allowed rate. */
function pacedBy(place: FilePlace): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      place.bytes(chunk.length).then(() => done(null, chunk), done);
    },
  });
}

/** Stores the file if its digest and size are as promised, and nothing otherwise. */
async function take(
  c: Context,
  { blobs }: ApiDeps,
  promised: Staged,
  place: FilePlace,
): Promise<{ readonly staged: Staged; readonly type: string }> {
  const head: Buffer[] = [];
  let kept = 0;
  const look = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (kept < sniffedBytes) {
        head.push(chunk.subarray(0, sniffedBytes - kept));
        kept += chunk.length;
      }
      place.bytes(chunk.length).then(() => done(null, chunk), done);
    },
  });
  const { body } = c.req.raw;
  const source = body === null ? Readable.from([]) : Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]);
  source.on('error', (error) => look.destroy(error));
  let staged: Staged;
  try {
    staged = await blobs.put(source.pipe(look), promised.sizeBytes, promised);
  } catch (error) {
    throw asProblem(error);
  }
  return { staged, type: await sniff(Buffer.concat(head)) };
}

function asProblem(error: unknown): unknown {
  if (error instanceof BlobTooLargeError)
    return new ProblemError('size-differs', 'The body is longer than Content-Length says.', closing);
  if (!(error instanceof Error)) return error;
  if (error instanceof BlobDiffersError)
    return error.message.startsWith('size')
      ? new ProblemError('size-differs', 'The body is shorter than Content-Length says.', closing)
      : new ProblemError('digest-differs', 'The received bytes have a different SHA-256.', closing);
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new ProblemError('insufficient-storage', 'Nothing was stored. Send it again later.', {
      headers: { connection: 'close', 'retry-after': '60' },
    });
  // The sender has disconnected, so nobody reads the answer, and nothing was stored.
  if (
    code === 'ERR_STREAM_PREMATURE_CLOSE' ||
    code === 'ECONNRESET' ||
    code === 'ABORT_ERR' ||
    error.name === 'AbortError'
  )
    return new ProblemError('size-differs', 'The body was cut off.', closing);
  return error;
}
