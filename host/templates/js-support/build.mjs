// Builds a component from plugin.js and wit/world.wit: node .cordboard/build.mjs OUTPUT.
// `cordboard plugin build` overwrites this file.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { componentize } from "@bytecodealliance/componentize-js";

async function build(output) {
  const { cordboard } = JSON.parse(await readFile("package.json", "utf8"));
  // Without `"cordboard": { "http": true }`, the component doesn't import HTTP and therefore doesn't request network
  // access.
  const disableFeatures = cordboard?.http ? ["fetch-event"] : ["http", "fetch-event"];
  const { component } = await componentize({
    sourcePath: resolve(".cordboard/guard.mjs"),
    witPath: resolve("wit"),
    worldName: "plugin",
    disableFeatures,
  });
  await mkdir(dirname(output), { recursive: true });
  await writeFile(output, component);
}

try {
  await build(resolve(process.argv[2]));
} catch (error) {
  // Print only the message: the stack trace contains nothing but the tools' own code. The message refers to plugin.js
  // as source.js.
  console.error(error.message.replaceAll('"source.js"', '"plugin.js"'));
  const module = /Error loading module "(cordboard:[^"]+)"/.exec(error.message);
  if (module) console.error(`Add \`import ${module[1]};\` to wit/world.wit.`);
  process.exitCode = 1;
}
