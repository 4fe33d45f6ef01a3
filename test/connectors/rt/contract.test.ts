import { describe, test } from 'node:test';
import { contractSuite } from '#test/connectors/contract.ts';
import { rtInstalled, rtSkip } from '#test/real/rt.ts';
import { rtBench } from './harness.ts';

if (rtInstalled()) contractSuite('Request Tracker 5 (real)', () => rtBench('Asia/Tokyo'));
else
  describe('connector contract: Request Tracker 5 (real)', () => test('runs where RT is installed', { skip: rtSkip }));
