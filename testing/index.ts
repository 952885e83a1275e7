/** @module channelbox/testing: tests of an app without a network and without waiting, for any runner. */
export { testApp, type TestApp, type TestAppOptions, type TestEnv } from './target/app.ts';
export type { Closed, ConnectOptions, TestClient, WaitOptions as Wait } from './client/client.ts';
export { TestClock } from './time/clock.ts';
export type { Duration } from '../src/internal.ts';
export type { Accepted, Denied, Handshake } from './target/handshake.ts';
export type { Match } from './client/matchers.ts';
export type { TestTarget, TestTargetOptions, Tuple } from './target/target.ts';
export type { Transcript, TranscriptEvent } from './client/transcript.ts';
export { testUrl } from './target/url.ts';
/** The suites that a transport or a layer of your own has to pass: named cases, for any runner. */
export { layerCases, type ConformanceCase, type LayerFaults, type LayerHarness } from './conformance/layer.ts';
export { transportCases } from './conformance/transport.ts';
export type { ClientRequest, TransportHarness, TransportSite } from './conformance/transport-harness.ts';
