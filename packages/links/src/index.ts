export { LINK_KINDS, type LinkKind, type LinkKindName } from './link-kinds.js';
export { type OpenLinkOptions, openLink } from './open-link.js';
export { describeType, type OptionType } from './option-type.js';
export { type LinkSpecification, parseLinkSpecification } from './specification.js';
