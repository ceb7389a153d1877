// usage: node run-addon.cjs ADDON. Loads it without the package and runs an op under each instruction set, by the
// frame alone (src/binding.ts); prints what it saw as JSON.
const addon = require(process.argv[2]);
const { frame, ops } = addon;

const values = Array.from({ length: 37 }, (_, i) => (i - 18) / 4);
const shape = [values.length];

function tensor() {
  const array = new Float32Array(values.length);
  return { address: addon.addressOf(array), array };
}

const x = tensor();
x.array.set(values);
const results = addon.info().isas.map((isa) => {
  addon.configure(isa, 1);
  const y = tensor();
  const header = [ops.findIndex(({ name }) => name === 'Relu'), 1, 1];
  frame.set([...header, x.address, 0, 1, ...shape, y.address, 0, 1, ...shape]);
  const failure = addon.run();
  return { isa: addon.info().isa, failure, y: [...y.array] };
});
console.log(
  JSON.stringify({ ops, values, results, isas: addon.info().isas, executor: addon.info().executor }),
);
