// Which values are doubted, kind by kind. In: flags of single values, counts of days. Out: sums that a person can read. Pure.

/** Why a value may be wrong, as the server judges it. */
export const FLAGS = ["range", "rate", "stuck", "gap", "cross"] as const;
export type FlagName = (typeof FLAGS)[number];

export interface FlagSum {
  name: FlagName;
  count: number;
  last_ms: number;
}

/** In the order of `FLAGS`; words that this page does not know are left out, for it could not explain them. */
export function flagsByKind(flags: readonly [ts_ms: number, words: string[]][]): FlagSum[] {
  return FLAGS.flatMap((name) => {
    const times = flags.filter(([, words]) => words.includes(name)).map(([ts_ms]) => ts_ms);
    return times.length === 0 ? [] : [{ name, count: times.length, last_ms: Math.max(...times) }];
  });
}

export function daysDoubted(counts: readonly [ts_ms: number, came: number, flagged: number][]): { came: number; flagged: number } {
  return counts.reduce((sum, [, came, flagged]) => ({ came: sum.came + came, flagged: sum.flagged + flagged }), { came: 0, flagged: 0 });
}
