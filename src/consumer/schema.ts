import type { FrameIssue } from '../errors.ts';

/** A schema is typed here as standardschema.dev has it, version 1, so that no package is needed. */
export interface StandardSchemaV1<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

/** A step of its path is a key, or an object that has one. */
export interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** What schemas found wrong, with plain keys for a path. */
export function frameIssues(issues: readonly StandardIssue[]): FrameIssue[] {
  return issues.map(({ message, path }) =>
    path === undefined
      ? { message }
      : { message, path: path.map((step) => (typeof step === 'object' ? step.key : step)) },
  );
}

/** As a person reads them: `user.name: too short; expected a number`. */
export function issuesText(issues: readonly FrameIssue[]): string {
  return issues
    .map(({ message, path = [] }) => (path.length === 0 ? message : `${path.map(String).join('.')}: ${message}`))
    .join('; ');
}
