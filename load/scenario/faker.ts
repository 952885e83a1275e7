// oxlint-disable-next-line typescript/ban-ts-comment -- the declaration file keeps it: types compile for who lacks the optional peer
/** @ts-ignore for who lacks an optional peer: Faker is any there. */
import type { Faker as PeerFaker } from '@faker-js/faker';

/** Faker's own type is that of the optional peer `@faker-js/faker`. */
export type Faker = PeerFaker;
