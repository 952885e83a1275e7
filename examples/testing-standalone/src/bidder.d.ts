export declare class Bidder {
  readonly lines: readonly string[];
  constructor(lot: string, name: string);
  bid(amount: number): void;
}
