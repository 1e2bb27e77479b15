const { PROPERTY_SEED: seed, PROPERTY_PATH: path, PROPERTY_RUNS: runs, FUZZ, FUZZ_FRAMES } = process.env

/** The long form of everything: `FUZZ=full`. */
export const IS_FULL = FUZZ === 'full'

/** Without a seed each run is another one. */
const drawn = seed === undefined ? Date.now() % 2 ** 31 : Number(seed)
const repetition = { seed: drawn, ...(path !== undefined && { path }) }

// Of runs that pass too: a run that took long, or found little, can be repeated.
console.info(`The seed of the properties: PROPERTY_SEED=${drawn}`)

/** How many runs, and of which seed: `PROPERTY_SEED=1 PROPERTY_PATH=2:3 PROPERTY_RUNS=10`. */
export const RUNS = {
  scenarios: { numRuns: Number(runs ?? (IS_FULL ? 10_000 : 1000)), ...repetition },
  values: { numRuns: Number(runs ?? (IS_FULL ? 10_000 : 1000)), ...repetition },
  texts: { numRuns: Number(runs ?? (IS_FULL ? 100_000 : 10_000)), ...repetition },
}

/** Of what the fuzzers do. */
export const SEED = Number(seed ?? 1)

/** Hostile frames for a relay: five million with `FUZZ=full`, in about a quarter of an hour; `FUZZ_FRAMES=200000` is half a minute. */
export const HOSTILE_FRAMES = Number(FUZZ_FRAMES ?? (IS_FULL ? 5_000_000 : 40_000))
