// ES modules are looked for in NODE_PATH too, which Node itself does for CommonJS alone.
// https://aws.amazon.com/blogs/compute/node-js-18-x-runtime-now-available-in-aws-lambda/

import { pathToFileURL } from 'node:url';

const NAME = '/node_modules';
const places = (process.env.NODE_PATH ?? '')
  .split(':')
  .filter((place) => place.endsWith(NAME))
  .map((place) => pathToFileURL(`${place.slice(0, -NAME.length)}/none.mjs`).href);

export async function resolve(specifier, context, next) {
  try {
    return await next(specifier, context);
  } catch (error) {
    if (error?.code !== 'ERR_MODULE_NOT_FOUND' || /^[./]|^[a-z]+:/.test(specifier)) throw error;
    for (const parentURL of places) {
      try {
        return await next(specifier, { ...context, parentURL });
      } catch {
        // The next place, or the first error.
      }
    }
    throw error;
  }
}
