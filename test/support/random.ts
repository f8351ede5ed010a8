/** Numbers that a seed decides, for what a failed run must be able to repeat. */
export { seededRandom } from "../../src/testing/random.ts";
