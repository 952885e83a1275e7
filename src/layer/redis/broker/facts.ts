import { listOf, textOf, type BrokerReply } from './broker.ts';

const mebibyte = 1024 * 1024;

/** What in a Redis threatens the layer's promises, from its INFO and two of its settings; null is what it did not tell. */
export function warningsOf(info: string, limits: BrokerReply, fsync: BrokerReply): string[] {
  if (info === '') {
    return [
      'INFO is not allowed to this user: a restart of Redis with old data cannot be told from a lost connection; allow +info',
    ];
  }
  const warnings: string[] = [];
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
  if (policy !== undefined && policy !== 'noeviction') {
    warnings.push(
      `maxmemory-policy is ${policy}: leases, members and history may be evicted without a word; set it to noeviction`,
    );
  }
  const limit = /pubsub (\d+) (\d+) (\d+)/.exec(valueOf(limits));
  if (limit !== null && Number(limit[1]) > 0 && Number(limit[1]) < 8 * mebibyte) {
    warnings.push(
      `client-output-buffer-limit of pubsub is ${limit[1]} bytes: a burst ends the subscribe connection; allow 32mb or more`,
    );
  }
  const isAppendOnly = /^aof_enabled:1/m.test(info);
  const always = valueOf(fsync);
  if (!isAppendOnly || (always !== '' && always !== 'always')) warnings.push(weakPersistence);
  return warnings;
}

/** Of interest only to who trusts it. */
export const weakPersistence =
  'trustPersistence is set, but Redis does not run with appendonly yes and appendfsync always: a restart then loses messages in silence';

/** Without its own name no connection can have its predecessor ended. */
export const unnamed =
  'CLIENT INFO is not allowed to this user: what a network kept back of a lost connection may be executed behind its own retry; allow +client|info +client|kill';

/** Of a CONFIG GET, which is a map or a list by the protocol's version. */
function valueOf(reply: BrokerReply): string {
  if (reply === null) return '';
  if (Array.isArray(reply)) return textOf(listOf(reply)[1]);
  return textOf(Object.values(reply as object)[0] as BrokerReply);
}
