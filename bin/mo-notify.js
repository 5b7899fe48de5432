#!/usr/bin/env node
const module_ = require('node:module');

module_.enableCompileCache?.();
const { processIo, run } = require('../dist/cli.cjs');
run(process.argv.slice(2), processIo()).then((code) => {
  process.exitCode = code;
});
