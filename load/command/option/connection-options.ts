import { scenarioDefaults } from '../../scenario/resolved.ts';
import { runs, type Option } from './option.ts';
import { flag, last, time, wholeNumber } from './option-value.ts';

/** These options say how clients reach the server, and what they do when it drops them. */
export const connectionOptions: readonly Option[] = [
  {
    key: 'ca',
    argument: 'file',
    commands: runs,
    describes: 'Authority that signed the certificate of a wss:// target, PEM.',
    default: "the system's",
    read: (texts) => last(texts),
  },
  {
    key: 'cert',
    argument: 'file',
    commands: runs,
    describes: 'Certificate of the clients, PEM, for a server that asks for one (mutual TLS); with --key.',
    read: (texts) => last(texts),
  },
  {
    key: 'key',
    argument: 'file',
    commands: runs,
    describes: 'Private key of --cert, PEM.',
    read: (texts) => last(texts),
  },
  {
    key: 'servername',
    argument: 'name',
    commands: runs,
    describes: 'Name that the certificate is checked against, and that is sent as SNI.',
    default: 'the host of the target',
    read: (texts) => last(texts),
  },
  {
    key: 'insecure',
    commands: runs,
    describes: 'Believes any certificate. The report says so.',
    read: flag,
  },
  {
    key: 'compression',
    commands: runs,
    describes: 'Offers permessage-deflate.',
    read: flag,
  },
  {
    key: 'connectTimeout',
    argument: 'time',
    commands: runs,
    describes: "From dialling to the upgrade's answer.",
    default: scenarioDefaults.connectTimeout,
    read: (texts) => time(last(texts)),
  },
  {
    key: 'reconnects',
    argument: 'time',
    commands: runs,
    describes: 'A client that was dropped comes back after this time, twice as long after each attempt that fails.',
    default: 'it stays away',
    read: (texts) => time(last(texts)),
  },
  {
    key: 'prepareConcurrency',
    argument: 'count',
    commands: runs,
    describes: "How many clients are in the scenario's prepare at once.",
    default: String(scenarioDefaults.prepareConcurrency),
    read: (texts) => wholeNumber(last(texts), 1),
  },
];
