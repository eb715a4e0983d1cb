export * from './answers.js';
export * from './appendage.js';
export * from './field-values.js';
export * from './inbound.js';
export * from './outbound.js';
export * from './reject-reason.js';
