// Runs a Node.js function on the Runtime API.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html

import { existsSync } from 'node:fs';
import http from 'node:http';
import module from 'node:module';
import { failed, linesOf, patch } from './console.mjs';
import { NodeJsExit, UnhandledPromiseRejection, reported } from './errors.mjs';
import { find } from './handler.mjs';

const BASE = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/`;
// What AWS's runtime ends with after an exception, and a rejection, that nobody handled.
const UNCAUGHT = 129;
const UNHANDLED = 128;

// Connections that wait keep no process alive: what is left is the function's own.
const agent = new http.Agent({ keepAlive: true });

function call(method, path, body) {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) };
    const request = http.request(BASE + path, { method, agent, headers }, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('end', () => resolve({ headers: response.headers, body: Buffer.concat(parts) }));
      response.on('error', reject);
    });
    request.on('error', reject);
    request.end(body);
  });
}

// What reports that all of it failed: the start, or the invocation that runs.
let report = (error) => call('POST', 'init/error', JSON.stringify(reported(error)));
// What happens once nothing is left to do.
let atRest = () => {};

process.on('beforeExit', () => {
  const now = atRest;
  atRest = () => {};
  now();
});
process.on('uncaughtException', (error) => {
  failed('Uncaught Exception', error);
  report(error).finally(() => process.exit(UNCAUGHT));
});
process.on('unhandledRejection', (reason, promise) => {
  const error = Object.assign(new UnhandledPromiseRejection(reason), { reason, promise });
  failed('Unhandled Promise Rejection', error);
  report(error).finally(() => process.exit(UNHANDLED));
});

function contextOf(headers, ends) {
  const text = (name) => headers[`lambda-runtime-${name}`];
  const parsed = (name) => (text(name) === undefined ? undefined : JSON.parse(text(name)));
  const deadline = Number(text('deadline-ms'));
  const environment = process.env;
  return Object.assign(ends, {
    functionVersion: environment.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: environment.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: environment.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: environment.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: environment.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: parsed('client-context'),
    identity: parsed('cognito-identity'),
    invokedFunctionArn: text('invoked-function-arn'),
    awsRequestId: text('aws-request-id'),
    getRemainingTimeInMillis: () => deadline - Date.now(),
  });
}

// One invocation; the next begins when it has been answered.
async function turn(handler) {
  const { headers, body } = await call('GET', 'invocation/next');
  const id = headers['lambda-runtime-aws-request-id'];
  process.env._X_AMZN_TRACE_ID = headers['lambda-runtime-trace-id'];
  linesOf(id);
  const post = (how, value) => call('POST', `invocation/${id}/${how}`, value);
  const again = () => setImmediate(() => turn(handler));

  let ended = false;
  const once = (end) => (...given) => {
    if (ended) return;
    ended = true;
    atRest = () => {};
    end(...given);
  };
  const isNothing = (value) => value === undefined || value === null;
  const answer = (result) => {
    let text;
    try {
      text = JSON.stringify(result === undefined ? null : result);
    } catch (error) {
      fail(error);
      return;
    }
    post('response', text ?? 'null').then(again);
  };
  const fail = (error) => {
    failed('Invoke Error', error);
    post('error', JSON.stringify(reported(error))).then(again);
  };
  report = (error) => post('error', JSON.stringify(reported(error)));

  let waits = true;
  const done = once((error, result) => (isNothing(error) ? answer(result) : fail(error)));
  const context = contextOf(headers, {
    get callbackWaitsForEmptyEventLoop() {
      return waits;
    },
    set callbackWaitsForEmptyEventLoop(value) {
      waits = value;
    },
    succeed: (result) => done(null, result),
    fail: (error) => done(isNothing(error) ? 'handled' : error),
    done,
  });
  const callback = once((error, result) => {
    if (!isNothing(error)) fail(error);
    else if (waits) atRest = () => answer(result);
    else answer(result);
  });
  // Nothing is left to do, and nobody has answered.
  atRest = once(() => {
    if (handler.constructor.name !== 'AsyncFunction') {
      answer(null);
      return;
    }
    fail(
      new NodeJsExit(
        'The Lambda runtime client detected an unexpected Node.js exit code. This is most commonly caused by a Promise that was never settled. For more information, see https://nodejs.org/docs/latest/api/process.html#exit-codes',
      ),
    );
  });
  try {
    const result = handler(JSON.parse(body.toString()), context, callback);
    if (typeof result?.then === 'function') result.then(context.succeed, context.fail);
  } catch (error) {
    callback(error);
  }
}

function noStreams() {
  throw new Error('answering with a stream is not built in this Lambda');
}

patch();
globalThis.awslambda = { streamifyResponse: noStreams, HttpResponseStream: { from: noStreams } };
const places = (process.env.NODE_PATH ?? '').split(':').filter((it) => it.endsWith('/node_modules'));
if (places.some((place) => existsSync(place))) module.register?.('./resolve.mjs', import.meta.url);
try {
  turn(await find(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER));
} catch (error) {
  failed('Uncaught Exception', error);
  await report(error);
  process.exit(1);
}
