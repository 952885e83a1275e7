import { median } from './statistics.mjs';
import { valuesOf } from './verdict.mjs';

const width = 960;
const columns = 2;
const panelWidth = 456;
const rowHeight = 22;
const headHeight = 54;
const labelWidth = 158;
const valueWidth = 104;
const top = 56;

const style = `
  svg { font: 12px system-ui, sans-serif; background: #fff; }
  text { fill: #1f2328; } .quiet { fill: #656d76; } .title { font-size: 17px; font-weight: 600; }
  .head { font-weight: 600; font-size: 13px; } .ours { font-weight: 600; }
  .user { fill: #0550ae; } .system { fill: #9ec5f4; } .line { stroke: #d0d7de; }
  @media (prefers-color-scheme: dark) {
    svg { background: #0d1117; } text { fill: #e6edf3; } .quiet { fill: #8d96a0; }
    .user { fill: #79b8ff; } .system { fill: #1f4b7a; } .line { stroke: #30363d; }
  }`;

/** Every case that costs CPU as a panel of bars: user and system time for a unit of work, medians over the rounds. */
export function plot(results, machine) {
  const shown = results.filter(({ kind }) => kind !== 'idle' && kind !== 'memory');
  const heights = shown.map(({ samples, floor }) => headHeight + rowsOf(samples, floor).length * rowHeight + 18);
  const bottoms = Array.from({ length: columns }, () => top);
  const panels = shown.map((result, at) => {
    const column = bottoms.indexOf(Math.min(...bottoms));
    const panel = panelOf(result, { left: 12 + column * (panelWidth + 24), top: bottoms[column] });
    bottoms[column] += heights[at];
    return panel;
  });
  const height = Math.max(...bottoms) + 28;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="CPU time of the server for each case and variant">
<style>${style}</style>
<text class="title" x="12" y="26">CPU of the server, µs; shorter is cheaper</text>
<rect class="user" x="12" y="36" width="10" height="10"/><text class="quiet" x="26" y="45">user</text>
<rect class="system" x="68" y="36" width="10" height="10"/><text class="quiet" x="82" y="45">system (the kernel's part)</text>
${panels.join('\n')}
<text class="quiet" x="12" y="${height - 10}">${escaped(machine.text)}</text>
</svg>
`;
}

/** A floor's two runs are one row. */
function rowsOf(samples, floor) {
  const names = Object.keys(samples).filter((name) => !name.startsWith(`${floor} #`));
  return [floor, ...names].map((name) => {
    const [user, system] = ['user', 'system'].map((by) => median(valuesOf(samples, name, by)));
    const totals = valuesOf(samples, name, 'total');
    const bases = valuesOf(samples, floor, 'total');
    const ratio = median(totals.map((total, round) => total / bases[round]));
    return { name, user, system, ratio, total: user + system };
  });
}

function panelOf({ name, kind, floor, samples, isJudged }, { left, top: panelTop }) {
  const rows = rowsOf(samples, floor);
  const most = Math.max(...rows.map(({ total }) => total));
  const perUnit = (panelWidth - labelWidth - valueWidth) / most;
  const bars = rows.map(({ name: label, user, system, ratio, total }, at) => {
    const y = panelTop + headHeight - 14 + at * rowHeight;
    const emphasis = label.startsWith('channelbox') ? ' class="ours"' : '';
    const x = left + labelWidth;
    const end = x + total * perUnit;
    return (
      `<text${emphasis} x="${x - 8}" y="${y + 12}" text-anchor="end">${escaped(label)}</text>` +
      `<rect class="user" x="${x}" y="${y}" width="${(user * perUnit).toFixed(1)}" height="15"/>` +
      `<rect class="system" x="${(x + user * perUnit).toFixed(1)}" y="${y}" width="${(system * perUnit).toFixed(1)}" height="15"/>` +
      `<text${emphasis} x="${(end + 6).toFixed(1)}" y="${y + 12}">${figure(total)} <tspan class="quiet">${ratio.toFixed(2)} ×</tspan></text>`
    );
  });
  const note = isJudged ? '' : ' (not judged)';
  return (
    `<text class="head" x="${left}" y="${panelTop + 20}">${escaped(titleOf(name, kind))}${note}</text>` +
    `<line class="line" x1="${left}" x2="${left + panelWidth}" y1="${panelTop + 28}" y2="${panelTop + 28}"/>${bars.join('')}`
  );
}

function titleOf(name, kind) {
  const [, what, bytes, members] = /^(paced|burst)-(\d+)-(\d+)$/.exec(name) ?? [];
  if (what === 'paced') return `One message of ${bytes} B to ${members}: per delivery`;
  if (what === 'burst') return `Burst of 20, ${bytes} B, to ${members}: per delivery`;
  const titles = {
    'echo-saturated': 'Echo, 200 clients, 4 in flight: per message',
    'echo-ping-pong': 'Echo, one client, one in flight, one core: per message',
    'echo-ping-pong-two-cores': 'Echo, one client, one in flight, two cores: per message',
    connect: 'Opening: per connection',
    compressed: 'Deflated, 2 KB to 1000: per delivery',
    'busy-room': 'Busy room, all 200 talk: per delivery',
    'five-groups-each': '1000 members in five groups each: per delivery',
    stuck: '1 % of 1000 members stuck: per delivery',
  };
  return titles[name] ?? `${name} (${kind})`;
}

function figure(value) {
  return value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2);
}

function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
