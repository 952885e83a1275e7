/** What comes on the layer's channels and is none of its messages: broken ones, of others, of versions to come. */
export const foreignPushes: readonly string[] = [
  '',
  'x',
  'Fx',
  '1M',
  '1Mshort',
  '1U',
  `1U${'\0'.repeat(40)}`,
  `1M${'A'.repeat(12)}0000000000009999${'0'.repeat(14)}`,
  '{"a":1}',
  '2M',
  '1C',
  '1P',
];
