// The console, whose lines carry time, request and level, as text or as JSON.
// https://docs.aws.amazon.com/lambda/latest/dg/nodejs-logging.html

import { writeSync } from 'node:fs';
import { format } from 'node:util';
import { logged } from './errors.mjs';

const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];
const STDOUT = 1;

const json = process.env.AWS_LAMBDA_LOG_FORMAT?.toUpperCase() === 'JSON';
let requestId;

// The request that lines belong to from now on.
export function linesOf(id) {
  requestId = id;
}

// Takes the place of the console's own functions.
export function patch() {
  const least = Math.max(0, LEVELS.indexOf(process.env.AWS_LAMBDA_LOG_LEVEL?.toUpperCase()));
  LEVELS.forEach((level, rank) => {
    const write = (...given) => line(json ? object(level, given) : text(level, given));
    console[level.toLowerCase()] = rank >= least ? write : () => {};
  });
  console.log = console.info;
}

// Logs that an invocation, or the start, failed.
export function failed(what, error) {
  const it = error instanceof Error ? error : new Error(error);
  if (json) console.error(it);
  else console.error(what, logged(it));
}

// An event of the log is one line.
function line(written) {
  writeSync(STDOUT, `${written.replaceAll('\n', '\r')}\n`);
}

function text(level, given) {
  return [new Date().toISOString(), requestId, level, format(...given)].join('\t');
}

function object(level, given) {
  const shown = { timestamp: new Date().toISOString(), level, requestId };
  if (given.length === 1) {
    try {
      return JSON.stringify({ ...shown, message: given[0] }, (_, value) =>
        value instanceof Error ? { ...described(value), ...value } : value,
      );
    } catch {
      return JSON.stringify({ ...shown, message: format(given[0]) });
    }
  }
  const error = given.find((it) => it instanceof Error);
  return JSON.stringify({ ...shown, message: format(...given), ...(error && described(error)) });
}

function described({ constructor, message, stack }) {
  return {
    errorType: constructor?.name ?? 'UnknownError',
    errorMessage: message,
    stackTrace: typeof stack === 'string' ? stack.split('\n') : [],
  };
}
