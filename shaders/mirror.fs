/*{
  "DESCRIPTION": "One half mirrored onto the other, both ways, or in still dark water.",
  "CREDIT": "DanceNet live",
  "ISFVSN": "2",
  "CATEGORIES": ["Geometry"],
  "DANCENET": {"PLACE": 50},
  "INPUTS": [
    {"NAME": "inputImage", "TYPE": "image"},
    {"NAME": "way", "TYPE": "long", "LABEL": "What is mirrored", "VALUES": [0, 1, 2, 3], "LABELS": ["sides", "water", "four", "turned"], "DEFAULT": 0},
    {"NAME": "offset", "TYPE": "float", "LABEL": "Where the seam cuts the picture", "MIN": -0.4, "MAX": 0.4, "DEFAULT": 0.0},
    {"NAME": "seam", "TYPE": "float", "LABEL": "How soft the seam is", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.25},
    {"NAME": "ripple", "TYPE": "float", "LABEL": "How much the water moves", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.35}
  ],
  "PASSES": [
    {"TARGET": "clock", "PERSISTENT": true, "FLOAT": true, "WIDTH": "1", "HEIGHT": "1"},
    {}
  ]
}*/

// The distance to the seam, folded. Round the seam the picture is squeezed a little, so that limbs meet in a curve.
float fold(float x) {
    float round_off = 0.12 * seam + 0.0001;
    return sqrt(x * x + round_off * round_off) - round_off * 0.6;
}

void main() {
    float dt = clamp(TIMEDELTA, 0.0, 0.1);
    if (PASSINDEX == 0) {
        gl_FragColor = vec4(fract(IMG_NORM_PIXEL(clock, vec2(0.5)).r + dt / 24.0));
        return;
    }
    float aspect = RENDERSIZE.x / RENDERSIZE.y;
    vec2 p = isf_FragNormCoord - 0.5;
    p.x *= aspect;
    float light = 1.0;
    if (way == 0) p.x = fold(p.x) + offset;
    if (way == 2) p = vec2(fold(p.x) + offset, fold(p.y) - 0.12);
    if (way == 3 && p.x < 0.0) p = -p;
    if (way == 3) p.x = fold(p.x) + offset;
    if (way == 1) {
        // The shore lies a third up; the water shows what stands on it, shorter, darker and moved by long waves.
        float shore = -0.26 + offset;
        float deep = shore - p.y;
        if (deep > 0.0) {
            float turn = 6.2831853 * IMG_NORM_PIXEL(clock, vec2(0.5)).r;
            float far = 1.0 / (deep + 0.06);
            float wave = sin(5.0 * far - 8.0 * turn + 2.0 * p.x) + 0.6 * sin(8.3 * far + 11.0 * turn - 5.0 * p.x);
            p.x += 0.022 * ripple * wave * (deep + 0.05) * 4.0;
            p.y = shore + deep * 1.25 + 0.012 * ripple * wave;
            light = 0.62 * exp(-3.0 * deep) * smoothstep(0.0, 0.004 + 0.03 * seam, deep);
        }
    }
    vec4 colour = IMG_NORM_PIXEL(inputImage, vec2(p.x / aspect, p.y) + 0.5);
    gl_FragColor = vec4(colour.rgb * light, colour.a * (light > 0.9 ? 1.0 : light));
}
