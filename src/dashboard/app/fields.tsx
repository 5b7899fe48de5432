import { changeState } from './page-state.ts';

interface FieldProps {
  label: string;
  /** Its name in the address. */
  name: string;
  value: string;
  options?: readonly string[];
}

/** A text that filters by what is typed. */
export function Field({ label, name, value, options }: FieldProps) {
  const list = options === undefined ? undefined : `${name}-options`;
  return (
    <label class="field">
      <span>{label}</span>
      <input
        type="search"
        name={name}
        value={value}
        list={list}
        maxLength={100}
        autocomplete="off"
        spellcheck={false}
        onInput={({ currentTarget }) => changeState({ [name]: currentTarget.value })}
      />
      {list !== undefined && (
        <datalist id={list}>
          {options?.map((option) => (
            <option value={option} key={option} />
          ))}
        </datalist>
      )}
    </label>
  );
}

interface ChoiceProps {
  label: string;
  name: string;
  value: string;
  choices: readonly (readonly [value: string, text: string])[];
}

/** One of some values to filter by. */
export function Choice({ label, name, value, choices }: ChoiceProps) {
  return (
    <label class="field">
      <span>{label}</span>
      <select
        name={name}
        value={value}
        onChange={({ currentTarget }) => changeState({ [name]: currentTarget.value })}
      >
        {choices.map(([choice, text]) => (
          <option value={choice} key={choice}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

/** On or off. */
export function Switch({
  label,
  on,
  onChange,
}: {
  label: string;
  on: boolean;
  onChange: (on: boolean) => void;
}) {
  return (
    <button type="button" class="switch" role="switch" aria-checked={on} onClick={() => onChange(!on)}>
      <span class="track" aria-hidden="true" />
      {label}
    </button>
  );
}
