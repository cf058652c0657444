// Runs the script of `actions/github-script` with what that action gives it:
// https://github.com/actions/github-script#readme. GitHub's API is not served here.
'use strict';

const { createRequire } = require('node:module');
const path = require('node:path');

const toolkit = createRequire(path.join(process.env.RINGFENCE_TOOLKIT, 'package.json'));
const core = toolkit('@actions/core');
const { context, getOctokit } = toolkit('@actions/github');

const refuse = async (url, options) => {
  const asked = `${options?.method ?? 'GET'} ${new URL(url).pathname}`;
  throw new Error(`GitHub's API is not served here: ${asked}`);
};

// A script's own modules are those of the workspace.
const local = createRequire(path.join(process.cwd(), 'script.js'));

const given = {
  github: getOctokit(core.getInput('github-token', { required: true }), {
    request: { fetch: refuse },
  }),
  context,
  core,
  exec: toolkit('@actions/exec'),
  glob: toolkit('@actions/glob'),
  io: toolkit('@actions/io'),
  require: local,
  __original_require__: local,
};

// Version 7 and later have it under two names; a script of an earlier one may name
// something of its own so.
if (process.env.RINGFENCE_OCTOKIT === 'true') {
  given.octokit = given.github;
}

const AsyncFunction = (async () => {}).constructor;

const encoded = (result) => {
  const encoding = core.getInput('result-encoding') || 'json';
  switch (encoding) {
    case 'json':
      return JSON.stringify(result);
    case 'string':
      return String(result);
    default:
      throw new Error('"result-encoding" must be either "string" or "json"');
  }
};

const failed = (error) => {
  console.error(error);
  core.setFailed(`Unhandled error: ${error}`);
};

process.on('unhandledRejection', failed);
const script = core.getInput('script', { required: true });
new AsyncFunction(...Object.keys(given), script)(...Object.values(given))
  .then((result) => core.setOutput('result', encoded(result)))
  .catch(failed);
