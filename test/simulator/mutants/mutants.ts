/** Mistakes that could be made in the functions that change state, each written down before it was looked for. */
export interface Mutant {
  readonly name: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
  /** Of `scenes.ts`. */
  readonly scene: 'memory' | 'whole' | 'layer' | 'joined' | 'slow' | 'lossy' | 'narrow' | 'expiry' | 'late';
}

const groups = 'src/channel/groups.ts';
const fanOut = 'src/channel/fan-out.ts';
const buffers = 'src/channel/resume-buffers.ts';
const history = 'src/layer/history.ts';
const box = 'src/channel/box.ts';
const memberships = 'src/channel/memberships.ts';
const inbox = 'src/socket/inbox.ts';
const channel = 'src/channel/channel.ts';
const deadlines = 'src/time/deadlines.ts';

export const mutants: readonly Mutant[] = [
  { name: 'a membership is not counted down', file: groups, from: 'this.#memberships -= 1;', to: '', scene: 'memory' },
  { name: 'a membership is not counted up', file: groups, from: 'this.#memberships += 1;', to: '', scene: 'memory' },
  {
    name: 'a member is not struck from its own list',
    file: groups,
    from: 'strike(member, group as unknown as Group<Joinable>);',
    to: '',
    scene: 'memory',
  },
  {
    name: 'a member is delivered to after it left',
    file: groups,
    from: 'if (!group.members.delete(member)) return false;',
    to: 'if (!group.members.has(member)) return false;',
    scene: 'memory',
  },
  {
    name: 'who is excepted gets it',
    file: fanOut,
    from: 'if (except !== undefined && except.has(member)) continue;',
    to: '',
    scene: 'memory',
  },
  {
    name: 'a slow member ends the fan-out',
    file: fanOut,
    from: "if (outcome === 'dropped') (slow ??= []).push(member);",
    to: "if (outcome === 'dropped') { (slow ??= []).push(member); break; }",
    scene: 'lossy',
  },
  {
    name: 'a slow member stays, and loses without a word',
    file: fanOut,
    from: 'for (const member of slow ?? []) member.socket.handleBackpressure();',
    to: '',
    scene: 'slow',
  },
  {
    name: 'frames are not held while a resume is under way',
    file: fanOut,
    from: '(member.isHolding ? buffer(member, frame) : undefined) ??',
    to: '',
    scene: 'layer',
  },
  {
    name: 'the last member of a fan-out is left out',
    file: fanOut,
    from: 'for (const member of group.members) {',
    to: 'for (const member of [...group.members].slice(0, Math.max(1, group.members.size - 1))) {',
    scene: 'memory',
  },
  {
    name: 'what the page holds comes again behind it',
    file: buffers,
    from: 'position === undefined || at >= newFrom',
    to: 'position === undefined || at >= 0',
    scene: 'joined',
  },
  {
    name: 'what is newer than the page is left out',
    file: buffers,
    from: 'position === undefined || at >= newFrom',
    to: 'position === undefined',
    scene: 'layer',
  },
  {
    name: 'held frames leave in the wrong order',
    file: buffers,
    from: 'buffer.held.push(held);',
    to: 'buffer.held.unshift(held);',
    scene: 'layer',
  },
  {
    name: 'the first held frame is lost',
    file: buffers,
    from: 'for (const one of held) {',
    to: 'for (const one of held.slice(1)) {',
    scene: 'layer',
  },
  {
    name: 'a hold ends before the page is out',
    file: box,
    from: 'const sending = options.first?.(page);',
    to: 'resumeBuffers.flush(buffer); const sending = options.first?.(page);',
    scene: 'layer',
  },
  { name: 'a resume never ends its hold', file: box, from: 'resumeBuffers.flush(buffer);', to: '', scene: 'memory' },
  {
    name: 'a gap of one is told as recovered',
    file: history,
    from: 'since.offset + 1 >= oldestOffset',
    to: 'since.offset + 2 >= oldestOffset',
    scene: 'whole',
  },
  { name: 'history is never trimmed', file: history, from: 'this.dropOldest();', to: 'break;', scene: 'whole' },
  {
    name: 'history is trimmed by one too many',
    file: history,
    from: 'this.count > bounds.countMax',
    to: 'this.count >= bounds.countMax',
    scene: 'whole',
  },
  {
    name: 'the first message since a position is left out',
    file: history,
    from: 'Math.max(since.offset + 1, oldestOffset)',
    to: 'Math.max(since.offset + 2, oldestOffset)',
    scene: 'memory',
  },
  {
    name: 'every fourth position is skipped',
    file: history,
    from: 'this.#offset += 1;',
    to: 'this.#offset += this.#offset % 4 === 2 ? 2 : 1;',
    scene: 'memory',
  },
  { name: 'what a limit cuts off is not told', file: history, from: 'recovered = false;', to: '', scene: 'memory' },
  {
    name: 'a page ends one short of where it says',
    file: history,
    from: 'const entries = this.#kept.slice(start, end);',
    to: 'const entries = this.#kept.slice(start, Math.max(start, end - 1));',
    scene: 'memory',
  },
  {
    name: 'a page says that it ends one earlier',
    file: history,
    from: 'end === this.#kept.length ? top :',
    to: 'end === this.#kept.length ? Math.max(0, top - 1) :',
    scene: 'memory',
  },
  {
    name: 'an old epoch is believed',
    file: history,
    from: 'since.epoch === this.epoch && since.offset <= top',
    to: 'true',
    scene: 'memory',
  },
  {
    name: 'who has gone stays in its groups',
    file: box,
    from: 'for (const group of this.local.groupsOf(channel)) this.#memberships.leave(channel, group);',
    to: '',
    scene: 'memory',
  },
  {
    name: 'who has gone leaves only its first group, and none alone',
    file: box,
    from: 'this.local.groupsOf(channel))',
    to: 'this.local.groupsOf(channel).slice(1))',
    scene: 'memory',
  },
  {
    name: 'a join that fails late undoes a new one',
    file: memberships,
    from: 'if (claim.calls > 0 || this.claimOf(member, group) !== claim) return;',
    to: 'if (claim.calls > 0) return;',
    scene: 'late',
  },
  {
    name: 'the layer is not told of a leaving',
    file: memberships,
    from: 'this.#announcements.retire(member, group);',
    to: '',
    scene: 'layer',
  },
  {
    name: 'the layer is not told of a member',
    file: memberships,
    from: 'const announced = this.#announcements.announce(member, group);',
    to: 'const announced = undefined;',
    scene: 'layer',
  },
  {
    name: 'the node never subscribes',
    file: memberships,
    from: 'isFirst ? this.#subscribe(group) : this.#subscribing.get(group)',
    to: 'this.#subscribing.get(group)',
    scene: 'layer',
  },
  {
    name: 'who has left is announced again',
    file: 'src/channel/announcements.ts',
    from: 'this.#local.isMember(member, group) ? undefined : this.#layer.retire?.(group, member.uuid),',
    to: 'undefined,',
    scene: 'layer',
  },
  {
    name: 'frames that wait are read last first',
    file: 'src/socket/backlog.ts',
    from: 'this.#messages.push(message);',
    to: 'this.#messages.splice(this.#read, 0, message);',
    scene: 'memory',
  },
  {
    name: 'a frame is dropped when the queue is one short',
    file: inbox,
    from: 'backlog.push(message);',
    to: 'if (backlog.length >= inboundQueue - 1) return;\n    backlog.push(message);',
    scene: 'narrow',
  },
  {
    name: 'frames of one socket are handled at once',
    file: inbox,
    from: "this.#sinkIs = 'busy';",
    to: '',
    scene: 'memory',
  },
  {
    name: 'reading does not go on after a pause',
    file: inbox,
    from: 'hasRoom) this.#setPaused(false);\n    return message;',
    to: 'hasRoom) void 0;\n    return message;',
    scene: 'narrow',
  },
  {
    name: 'half of the time to live',
    file: channel,
    from: 'this.socket.lastDataMs + this.#expires * 1000',
    to: 'this.socket.lastDataMs + this.#expires * 500',
    scene: 'expiry',
  },
  {
    name: 'twice the time to live',
    file: channel,
    from: 'this.socket.lastDataMs + this.#expires * 1000',
    to: 'this.socket.lastDataMs + this.#expires * 2000',
    scene: 'expiry',
  },
  {
    name: 'what has moved later falls due at its old time',
    file: deadlines,
    from: 'if (first.dueMs > nowMs) this.schedule(first);',
    to: 'if (false) this.schedule(first);',
    scene: 'expiry',
  },
  {
    name: 'expiry is put off by what is received alone',
    file: 'src/socket/outbox.ts',
    from: 'owner.lastDataMs = nowMs;',
    to: '',
    scene: 'expiry',
  },
  {
    name: 'expiry is put off by what is sent alone',
    file: 'src/socket/connection.ts',
    from: 'if (waitMs >= 0) this.lastDataMs = nowMs;',
    to: '',
    scene: 'expiry',
  },
  {
    name: 'onDisconnect is forgotten',
    file: 'src/consumer/consumer-run.ts',
    from: "this.#call('onDisconnect', () => this.#hooks.onDisconnect(this.#socket, code, reason))",
    to: 'undefined',
    scene: 'memory',
  },
];
