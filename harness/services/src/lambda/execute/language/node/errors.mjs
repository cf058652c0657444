// Errors as Lambda's Node.js runtime reports them.
// https://docs.aws.amazon.com/lambda/latest/dg/nodejs-exceptions.html

import { types } from 'node:util';

function kind(name) {
  const made = class extends Error {};
  made.prototype.name = `Runtime.${name}`;
  return made;
}

export const CallbackHandlerDeprecated = kind('CallbackHandlerDeprecated');
export const HandlerNotFound = kind('HandlerNotFound');
export const ImportModuleError = kind('ImportModuleError');
export const MalformedHandlerName = kind('MalformedHandlerName');
export const NodeJsExit = kind('NodeJsExit');
export const UnhandledPromiseRejection = kind('UnhandledPromiseRejection');
export const UserCodeSyntaxError = kind('UserCodeSyntaxError');

const isText = (value) => typeof value === 'string' && value !== '';

function isError(value) {
  return (
    types.isNativeError(value) ||
    (isText(value?.name) && isText(value?.message) && isText(value?.stack))
  );
}

// What the Runtime API is told.
export function reported(error) {
  try {
    if (isError(error)) {
      const { name, message, stack } = error;
      return { errorType: name, errorMessage: message, trace: stack.split('\n') };
    }
    return { errorType: typeof error, errorMessage: error.toString(), trace: [] };
  } catch {
    const problem = 'there was a problem while retrieving one or more of its message, name, and stack';
    return {
      errorType: 'handled',
      errorMessage: `callback called with Error argument, but ${problem}`,
    };
  }
}

// What the log shows: also the error's own members.
export function logged(error) {
  const open = (_, value) => {
    if (!(value instanceof Error)) return value;
    const { name, message, code, stack } = value;
    const shown = { errorType: name, errorMessage: message, code, ...value };
    if (typeof stack === 'string') shown.stack = stack.split('\n');
    return shown;
  };
  try {
    return `\t${JSON.stringify(error, open)}`;
  } catch {
    return `\t${JSON.stringify(reported(error))}`;
  }
}
