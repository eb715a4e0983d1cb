export * from './options.js';
export * from './posix-error.js';
