import { sendingKeepsItsRules } from './sending-suite.ts';

sendingKeepsItsRules('joined, past the queue of ws');
sendingKeepsItsRules('joined, deflated once for all', { compression: true });
sendingKeepsItsRules('each frame by itself', { joins: false });
sendingKeepsItsRules('through the send of ws', { forcesSend: true });
sendingKeepsItsRules('through the send of ws, deflate agreed on', { forcesSend: true, compression: true });
