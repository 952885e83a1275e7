import { sendingKeepsItsRules } from './sending-suite.ts';

sendingKeepsItsRules('joined, past the queue of ws');
sendingKeepsItsRules('joined, deflated once for all', { compression: true });
sendingKeepsItsRules('each frame by itself', { joins: false });
sendingKeepsItsRules('through the send of ws', { forcesWs: true });
sendingKeepsItsRules('through the send of ws, deflate agreed on', { forcesWs: true, compression: true });
