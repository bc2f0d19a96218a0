/** Variables that were renamed: the former name of each, which holds for one more release, and the name that it has now. */
export const formerVariables: Readonly<Record<string, string>> = {
  LETTERS_PASSWORD: 'DLQ_OPERATOR_PASSWORD',
};

type Environment = Readonly<Record<string, string | undefined>>;

/** An environment in which a variable that is set under its former name alone is set under its new one too. */
export function withFormerVariables<T extends Environment>(environment: T): T {
  const renamed = Object.entries(formerVariables).filter(
    ([former, name]) => environment[former] && !environment[name],
  );
  return {
    ...environment,
    ...Object.fromEntries(renamed.map(([former, name]) => [name, environment[former]])),
  };
}
