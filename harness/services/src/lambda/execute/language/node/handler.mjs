// Finds the function that the configuration's handler names.
// https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html

import { existsSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  CallbackHandlerDeprecated,
  HandlerNotFound,
  ImportModuleError,
  MalformedHandlerName,
  UserCodeSyntaxError,
} from './errors.mjs';

const require = createRequire(import.meta.url);
const FIRST_WITHOUT_CALLBACKS = 24;

// `src/app.orders.handler` is `orders.handler` of the module `src/app`.
export async function find(root, name) {
  if (name.includes('..')) {
    throw new MalformedHandlerName(
      `'${name}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`,
    );
  }
  const [, module, members] = /^([^.]*)\.(.*)$/.exec(path.basename(name)) ?? [];
  if (module === undefined) throw new MalformedHandlerName('Bad handler');
  const loaded = await load(path.resolve(root, path.dirname(name), module), module, root);
  const found = members.split('.').reduce((it, member) => it?.[member], loaded);
  if (!found) throw new HandlerNotFound(`${name} is undefined or not exported`);
  if (typeof found !== 'function') throw new HandlerNotFound(`${name} is not a function`);
  refuseCallbacks(found);
  return found;
}

async function load(file, module, root) {
  try {
    return await loadFirst(file, module, root);
  } catch (error) {
    if (error instanceof SyntaxError) throw new UserCodeSyntaxError(error);
    if (error?.code === 'MODULE_NOT_FOUND') throw new ImportModuleError(error);
    throw error;
  }
}

// A file without a suffix, then `.js`, `.mjs` and `.cjs`, then what Node finds.
async function loadFirst(file, module, root) {
  const there = (suffix) => existsSync(file + suffix) && statSync(file + suffix).isFile();
  const esm = (suffix) => import(pathToFileURL(file + suffix).href);
  if (there('')) return require(file);
  if (there('.js')) return saysModule(path.dirname(file)) ? esm('.js') : require(`${file}.js`);
  if (there('.mjs')) return esm('.mjs');
  if (there('.cjs')) return require(`${file}.cjs`);
  return require(require.resolve(module, { paths: [root, path.dirname(file)] }));
}

// Whether the nearest package.json has `"type": "module"`.
function saysModule(directory) {
  const file = path.join(directory, 'package.json');
  if (existsSync(file)) {
    try {
      return JSON.parse(readFileSync(file, 'utf8')).type === 'module';
    } catch {
      return false;
    }
  }
  const parent = path.dirname(directory);
  return parent !== directory && saysModule(parent);
}

function refuseCallbacks(handler) {
  const version = /nodejs(\d+)/.exec(process.env.AWS_EXECUTION_ENV)?.[1];
  if (Number(version) >= FIRST_WITHOUT_CALLBACKS && handler.length >= 3) {
    throw new CallbackHandlerDeprecated(
      'ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. You need to modify this function to use a supported handler signature to use Node.js 24 or later. For more information see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.',
    );
  }
}
