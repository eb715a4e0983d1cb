export * from './drop-reason.js';
