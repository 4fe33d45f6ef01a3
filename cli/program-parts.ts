/** What every part of the command line is given. */
import type { GlobalOptions } from './deps.ts';

/** Says with which code the process ends. */
export type End = (exitCode: number) => void;

/** The global options, as they were given for the command that runs. */
export type Global = () => GlobalOptions;
