/** `import * as seedrandom` of tfjs-core wants `alea` by name, which Node does not find in the CommonJS package. */
import seedrandom from 'seedrandom';

export const { alea } = seedrandom;
export default seedrandom;
