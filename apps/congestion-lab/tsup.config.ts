export { libraryBuild as default } from '../../tooling/tsup/library.ts';
