/** As much of a box as a layer needs, over the layer that is measured. */
import { SystemClock } from '../../dist/src/index.js';
import { redisLayer } from '../../dist/src/redis.js';

const bounds = { bytesMax: 1 << 20, countMax: 10_000, ttlMs: 86_400_000, totalBytesMax: 1 << 26 };
const slow = { leaseRenewMs: 60_000, leaseMs: 600_000, verifyMs: 0, deadlineMs: 60_000 };
const nobody = { members: 0, sent: 0, queued: 0, dropped: 0, closed: 0 };

/** What is published: 128 bytes. */
export const message = (save) => ({ payload: { kind: 'string', text: 'x'.repeat(128) }, except: [], save });

export class Node {
  groups = new Map();
  onDeliver = () => {};

  constructor(url, prefix) {
    this.layer = redisLayer({ url, prefix, ...slow });
    const clock = new SystemClock();
    let ids = 0;
    this.opening = this.layer.open({
      clock,
      bounds,
      uuid: () => `u${(ids += 1)}`,
      report: (error) => process.stderr.write(`${String(error)}\n`),
      wakeAt: (dueMs, wake) => clock.setTimeout(wake, dueMs - clock.monotonic()),
      local: {
        deliver: (group) => {
          this.onDeliver(group);
          return { ...nobody, members: 1, sent: 1 };
        },
        send: () => undefined,
        close: () => 0,
        missed: () => {},
        members: (group) => [...(this.groups.get(group) ?? [])],
        groups: () => this.groups.keys(),
        hasGroup: (group) => this.groups.has(group),
      },
    });
  }

  async join(group) {
    const members = this.groups.get(group) ?? [];
    const member = {
      uuid: `${this.layer.node}.${group}.${members.length}`,
      node: this.layer.node,
      created: 0,
      metadata: {},
    };
    this.groups.set(group, [...members, member]);
    const subscribing = members.length === 0 ? this.layer.subscribe(group) : undefined;
    await Promise.all([subscribing, this.layer.announce(group, member)]);
  }
}
