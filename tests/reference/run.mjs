// Runs TensorFlow.js graph models on the CPU backend, once for all of a job file.
//
//   node run.mjs FOLDER_WITH_NODE_MODULES JOBS.json
//
// JOBS.json: [{model, weights, input, shape, output}]: paths of the graph as JSON, of its weights, of a float32
// input of that shape, and the prefix for what is written: `<output>.<tensor>.f32` with float32 values.
// Prints {"<output>": {"<tensor>": [shape]}}.

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [folder, jobsFile] = process.argv.slice(2);
const require = createRequire(join(folder, "package.json"));
const tf = require("@tensorflow/tfjs-core");
require("@tensorflow/tfjs-backend-cpu");
const { GraphModel } = require("@tensorflow/tfjs-converter");

const bytes = (path) => {
  const data = readFileSync(path);
  return data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
};

async function run({ model, weights, input, shape, output }) {
  const json = JSON.parse(readFileSync(model));
  const artifacts = {
    format: "graph-model",
    modelTopology: json.modelTopology,
    signature: json.signature,
    weightSpecs: json.weightsManifest.flatMap((group) => group.weights),
    weightData: bytes(weights),
  };
  const graph = new GraphModel({ load: async () => artifacts });
  await graph.load();
  const names = Object.keys(json.signature.outputs).map((name) => name.replace(/:0$/, ""));
  const results = graph.execute(tf.tensor(new Float32Array(bytes(input)), shape), names);
  const shapes = {};
  for (const [index, tensor] of [results].flat().entries()) {
    writeFileSync(`${output}.${names[index]}.f32`, new Uint8Array((await tensor.data()).buffer));
    shapes[names[index]] = tensor.shape;
  }
  return shapes;
}

await tf.setBackend("cpu");
await tf.ready();
const printed = {};
for (const job of JSON.parse(readFileSync(jobsFile))) printed[job.output] = await run(job);
console.log(JSON.stringify(printed));
