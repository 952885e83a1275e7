// One sample: the chat of examples/chat, so many runs of its simulation on so many nodes.
import process from 'node:process';
import { simulate } from '../../dist/testing/simulator.js';
import chat from '../../dist/examples/chat/chat.sim.js';
import { calibration, cpuSeconds } from './calibration.mjs';

const [nodes, runs] = process.argv.slice(2).map(Number);
// The engine has seen it once.
await simulate({ ...chat, nodes, seed: 5, runs: 100 });
const before = calibration();
const start = cpuSeconds();
const report = await simulate({ ...chat, nodes, seed: 3, runs });
const seconds = cpuSeconds() - start;
report.unwrap();
const figures = {
  nodes,
  runs,
  runsPerSecond: runs / seconds,
  eventsPerSecond: report.events / seconds,
  calibration: (before + calibration()) / 2,
};
process.stdout.write(JSON.stringify(figures));
