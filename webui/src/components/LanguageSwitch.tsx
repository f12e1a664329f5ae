/** English or 简体中文, each in its own words. */
import { setPreferences, usePreferences } from '../state/preferences';
import { useText } from '../i18n';

/** Shows the language one would switch to. */
export function LanguageSwitch() {
  const text = useText();
  const language = usePreferences((preferences) => preferences.language);
  const other = language === 'en' ? 'zh' : 'en';
  return (
    <button type="button" className="lang" lang={other === 'zh' ? 'zh-CN' : 'en'} title={text.bar.language} onClick={() => void setPreferences({ language: other })}>
      {other === 'zh' ? '中文' : 'English'}
    </button>
  );
}
