/*{
  "DESCRIPTION": "A hit tears the picture into bands and blocks; it heals by itself.",
  "CREDIT": "DanceNet live",
  "ISFVSN": "2",
  "CATEGORIES": ["Glitch"],
  "DANCENET": {"PLACE": 75},
  "INPUTS": [
    {"NAME": "inputImage", "TYPE": "image"},
    {"NAME": "hit", "TYPE": "event", "LABEL": "Tear it"},
    {"NAME": "amount", "TYPE": "float", "LABEL": "How far it is torn without a hit", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.0},
    {"NAME": "strength", "TYPE": "float", "LABEL": "How far a hit tears", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.6},
    {"NAME": "heal", "TYPE": "float", "LABEL": "How soon it heals, seconds", "MIN": 0.05, "MAX": 2.0, "DEFAULT": 0.3},
    {"NAME": "size", "TYPE": "float", "LABEL": "From fine bands to large blocks", "MIN": 0.0, "MAX": 1.0, "DEFAULT": 0.5}
  ],
  "PASSES": [
    {"TARGET": "state", "PERSISTENT": true, "FLOAT": true, "WIDTH": "1", "HEIGHT": "1"},
    {"TARGET": "tear", "FLOAT": true, "WIDTH": "24", "HEIGHT": "256"},
    {}
  ]
}*/

// The state: how much is torn, the number of the tear (another one has other bands), the time within it.
// `tear` tells where each of 24 x 256 pieces of the picture comes from, so that a full pass has little to do.

float hash(vec2 p) {
    vec3 q = fract(vec3(p.xyx) * vec3(0.1031, 0.1030, 0.0973));
    q += dot(q, q.yzx + 33.33);
    return fract((q.x + q.y) * q.z);
}

void main() {
    vec4 before = IMG_NORM_PIXEL(state, vec2(0.5));
    if (PASSINDEX == 0) {
        float dt = clamp(TIMEDELTA, 0.0, 0.1);
        float torn = max(before.r * exp(-dt / heal), hit ? strength : 0.0);
        // A tear that is held moves on 6 times a second: the bands jump, the light stays as it is.
        float time = before.b + 6.0 * dt;
        float number = before.g + floor(time) + (hit ? 1.0 : 0.0);
        gl_FragColor = vec4(torn < 0.002 ? 0.0 : torn, mod(number, 509.0), fract(time), 1.0);
        return;
    }
    vec2 grid = vec2(24.0, 256.0);
    if (PASSINDEX == 1) {
        vec2 p = isf_FragNormCoord;
        float torn = max(before.r, amount);
        float number = before.g;
        // Bands of uneven heights: a coarse cut, and within it a finer one.
        float rows = mix(46.0, 9.0, size);
        float coarse = floor(p.y * rows + 0.7 * hash(vec2(number, 3.0)));
        float fine = floor(p.y * rows * mix(2.0, 5.0, hash(vec2(coarse, number))));
        vec2 block = vec2(floor(p.x * mix(12.0, 3.0, size) + hash(vec2(coarse, number + 7.0))), coarse);
        float band = hash(vec2(fine, number + 1.0)) - 0.5;
        float moved = step(1.0 - 0.75 * torn, hash(vec2(coarse, number + 2.0))) * band * 0.42 * torn;
        // A few blocks come from elsewhere.
        float lost = step(1.0 - 0.16 * torn, hash(block + number));
        vec2 from = (vec2(hash(block + 11.0), hash(block + 23.0)) - 0.5) * 0.3 * torn * lost;
        gl_FragColor = vec4(from.x + moved, from.y, (0.003 + 0.06 * abs(moved) + 0.012 * lost) * torn, 1.0);
        return;
    }
    vec3 piece = IMG_NORM_PIXEL(tear, (floor(isf_FragNormCoord * grid) + 0.5) / grid).rgb;
    vec2 at = isf_FragNormCoord + piece.xy;
    vec4 a = IMG_NORM_PIXEL(inputImage, at + vec2(piece.z, 0.0));
    vec4 b = IMG_NORM_PIXEL(inputImage, at);
    vec4 c = IMG_NORM_PIXEL(inputImage, at - vec2(piece.z, 0.0));
    gl_FragColor = vec4(a.r, mix(b.g, c.g, 0.3), mix(c.b, b.b, 0.15), max(b.a, max(a.a, c.a)));
}
