import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { DeliveryLedger } from '../load/ledger/ledger.ts';
import { decodeStampBytes, emptyStamp, encodeStamp, stampLength } from '../load/ledger/stamp.ts';

/** CPU that one delivery costs the ledger: its stamp read and checked, and entered. At most 100 ns are allowed. */
export interface LedgerCost {
  readonly deliveries: number;
  readonly decodeNs: number;
  readonly recordNs: number;
  readonly totalNs: number;
  readonly bytesPerPair: number;
}

const speakers = 10;
const receivers = 20_000;
const messagesPerSpeaker = 25;
const rounds = 5;

/** Deliveries as they come: every receiver of a room in turn, all its speakers, each message once. The best of five rounds. */
export function measureLedger(): LedgerCost {
  const deliveries = receivers * speakers * messagesPerSpeaker;
  const stamps = Buffer.alloc(speakers * messagesPerSpeaker * stampLength);
  for (let message = 0; message < messagesPerSpeaker; message += 1) {
    for (let sender = 0; sender < speakers; sender += 1) {
      const fields = {
        run: 77,
        sender,
        sequence: message + 1,
        room: 3,
        intendedUs: 1e12 + message * 1_000,
        latenessUs: 300,
      };
      stamps.write(encodeStamp(fields), (message * speakers + sender) * stampLength, 'latin1');
    }
  }
  let decodeNs = Infinity;
  let totalNs = Infinity;
  let bytesPerPair = 0;
  for (let round = 0; round < rounds; round += 1) {
    decodeNs = Math.min(decodeNs, pass(stamps, undefined) / deliveries);
    const before = process.memoryUsage().arrayBuffers;
    const ledger = new DeliveryLedger(receivers * speakers);
    bytesPerPair = (process.memoryUsage().arrayBuffers - before) / ledger.pairs;
    totalNs = Math.min(totalNs, pass(stamps, ledger) / deliveries);
    if (ledger.countWithin(0, 1, messagesPerSpeaker) !== messagesPerSpeaker || ledger.missing > 0)
      throw new Error('the ledger miscounts');
  }
  return { deliveries, decodeNs, recordNs: totalNs - decodeNs, totalNs, bytesPerPair };
}

/** Nanoseconds of CPU, waiting for one not counted. */
function pass(stamps: Buffer, ledger: DeliveryLedger | undefined): number {
  const stamp = emptyStamp();
  const start = process.cpuUsage();
  for (let message = 0; message < messagesPerSpeaker; message += 1) {
    for (let sender = 0; sender < speakers; sender += 1) {
      const at = (message * speakers + sender) * stampLength;
      for (let receiver = 0; receiver < receivers; receiver += 1) {
        if (!decodeStampBytes(stamps, at, stamp)) throw new Error('a stamp of ours is not read');
        ledger?.record(receiver * speakers + stamp.sender, stamp.sequence, false);
      }
    }
  }
  const { user, system } = process.cpuUsage(start);
  return (user + system) * 1_000;
}

if (argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(`${JSON.stringify(measureLedger(), null, 2)}\n`);
