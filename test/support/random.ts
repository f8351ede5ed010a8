/** Seeded random numbers, so that a failed run can be repeated. */
export { seededRandom } from "../../src/testing/random.ts";
