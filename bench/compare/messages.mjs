import { randomFrom } from './random.mjs';

const words = 'a be it on we the and for you room late soon join move green query socket member message delivery'.split(
  ' ',
);

/**
 * Messages whose JSON text has exactly `bytes` bytes, different from one another, the same in every process.
 * @param group where given, the group that the message is for
 */
export function messagesOf(bytes, { count = 64, group } = {}) {
  const random = randomFrom(bytes);
  return Array.from({ length: count }, (_, id) => {
    const message = group === undefined ? { id, text: '' } : { id, group, text: '' };
    let wanted = bytes - JSON.stringify(message).length;
    while (wanted > 0) {
      const word = `${words[Math.floor(random() * words.length)]} ${Math.floor(random() * 1e6).toString(36)} `;
      message.text += word.slice(0, wanted);
      wanted -= word.length;
    }
    return message;
  });
}
