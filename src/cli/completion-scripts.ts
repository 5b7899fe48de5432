import type { Shell } from './shells.ts';

// The scripts know nothing of the commands: at each Tab they hand the words over and get candidates back, so that a
// script once installed never goes stale. Each word goes after a `_`: so none is taken for a flag, and no shell drops an
// empty one. An answer's text is never evaluated. What every script calls is the `mo-notify` on the path (or a function
// of that name), never the word that was typed, because that may be a stranger's program in a folder.

/** A shell's text as it stands, but for `\${`, which is how a template must write the shell's own. */
const text = (parts: TemplateStringsArray) => String.raw(parts).replaceAll('\\${', '${');

/** From bash 3.2 (macOS) on. It has broken the words at `=` and `:`; here they are put together again. */
const BASH = text`# bash completion for mo-notify
_mo_notify() {
  local line=\${COMP_LINE:0:COMP_POINT} words=() last=0 i gap word reply
  COMPREPLY=()
  for ((i = 0; i <= COMP_CWORD; i++)); do
    gap=\${line%%[![:space:]]*}
    line=\${line#"$gap"}
    word=\${COMP_WORDS[i]}
    if ((\${#word} > \${#line})); then word=$line; fi
    line=\${line#"$word"}
    word=\${word//[\"\'\\]/}
    if ((i > 0)) && [[ -z $gap ]]; then
      words[last]+=$word
    else
      last=\${#words[@]}
      words+=("_$word")
    fi
  done
  local current=\${words[last]#_} typed=\${2//[\"\'\\]/}
  local begun=\${current%"$typed"}
  if [[ $current == *[\<\>]* || \${words[last - 1]} == *[\<\>] ]]; then
    compopt -o default 2>/dev/null
    return
  fi
  while IFS= read -r reply; do
    if [[ $reply == :files ]]; then
      compopt -o default 2>/dev/null
      continue
    fi
    reply=\${reply%%$'\t'*}
    if [[ -n $reply && $reply == "$current"* ]]; then COMPREPLY+=("\${reply#"$begun"}"); fi
  done <<MO_NOTIFY
$(mo-notify completion __complete "\${words[@]:1}" </dev/null 2>/dev/null)
MO_NOTIFY
}
if type compopt >/dev/null 2>&1; then
  complete -F _mo_notify mo-notify
else
  complete -o default -F _mo_notify mo-notify
fi
`;

/** Works where it is read by .zshrc, and as a file called _mo-notify in a folder of fpath. */
const ZSH = text`#compdef mo-notify
# zsh completion for mo-notify
_mo-notify() {
  local -a given offered
  local reply value files=0 tab=$'\t'
  given=("\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}")
  for reply in "\${(@f)$(mo-notify completion __complete "_\${(@)^given}" </dev/null 2>/dev/null)}"; do
    if [[ $reply == :files ]]; then
      files=1
    elif [[ -n $reply ]]; then
      value=\${reply%%$tab*}
      offered+=("\${value//:/\\:}\${reply#"$value"}")
    fi
  done
  offered=("\${(@)offered/$tab/:}")
  if ((files)); then
    compset -P '--*='
    _files
  elif ((\${#offered})); then
    _describe -V mo-notify offered
  fi
}
if [[ \${funcstack[1]} == _mo-notify ]]; then
  _mo-notify "$@"
elif ((\${+functions[compdef]})); then
  compdef _mo-notify mo-notify
else
  print -u2 "mo-notify: put 'autoload -Uz compinit; compinit' before its completion."
fi
`;

/** Where the answer is for files, the condition does not hold, and fish offers what it does by itself. */
const FISH = text`# fish completion for mo-notify
function __mo_notify_ask
    set -l given (commandline -opc)
    set -e given[1]
    set -l current (commandline -ct)
    set -g __mo_notify_answer (mo-notify completion __complete _$given _"$current" </dev/null 2>/dev/null)
    not contains -- :files $__mo_notify_answer
end
complete -c mo-notify -e
complete -c mo-notify -k -n __mo_notify_ask -f -a '$__mo_notify_answer'
`;

/** A completer that answers nothing gets PowerShell's own file names; an empty text keeps them away. */
const POWERSHELL = text`# PowerShell completion for mo-notify
Register-ArgumentCompleter -Native -CommandName 'mo-notify' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements |
        Select-Object -Skip 1 |
        Where-Object { $_.Extent.EndOffset -lt $cursorPosition } |
        ForEach-Object {
            if ($_ -is [System.Management.Automation.Language.StringConstantExpressionAst]) { '_' + $_.Value }
            else { '_' + $_.Extent.Text }
        })
    $words += '_' + $wordToComplete
    $answer = @(& mo-notify completion __complete @words 2>$null)
    if ($answer -contains ':files') { return }
    if ($answer.Count -eq 0) { return '' }
    foreach ($line in $answer) {
        $value, $about = $line -split '\t', 2
        if (-not $about) { $about = $value }
        $quoted = if ($value -match '^[\w.:/=+-]+$') { $value } else { "'$value'" }
        [System.Management.Automation.CompletionResult]::new($quoted, $value, 'ParameterValue', $about)
    }
}
`;

export const SCRIPTS: Record<Shell, string> = { bash: BASH, zsh: ZSH, fish: FISH, powershell: POWERSHELL };
