/*{
    "DESCRIPTION": "An ink-dark body before a low, slowly breathing sun, mirrored in a wet floor.",
    "CREDIT": "DanceNet live",
    "ISFVSN": "2",
    "CATEGORIES": ["Generator", "Silhouette"],
    "INPUTS": [
        {"NAME": "inputImage", "TYPE": "image"},
        {"NAME": "hue", "LABEL": "Hour: ember dusk, rose, violet night, tide", "TYPE": "float", "DEFAULT": 0.0, "MIN": 0.0, "MAX": 1.0},
        {"NAME": "glow", "LABEL": "Light", "TYPE": "float", "DEFAULT": 0.5, "MIN": 0.0, "MAX": 1.0},
        {"NAME": "haze", "LABEL": "Haze", "TYPE": "float", "DEFAULT": 0.5, "MIN": 0.0, "MAX": 1.0},
        {"NAME": "floor_light", "LABEL": "Wet floor", "TYPE": "float", "DEFAULT": 0.6, "MIN": 0.0, "MAX": 1.0},
        {"NAME": "room", "LABEL": "Room about the body", "TYPE": "float", "DEFAULT": 0.5, "MIN": 0.0, "MAX": 1.0}
    ],
    "PASSES": [
        {"TARGET": "ground", "WIDTH": "floor($WIDTH/4)", "HEIGHT": "floor($HEIGHT/4)", "FLOAT": true},
        {}
    ],
    "DANCENET": {"PLACE": 10}
}*/
// Everything soft (sky, haze, floor, what the floor mirrors) is painted at a quarter of the size; the body and the
// sun's edge at the full one.

const float FEET = 0.05;            // where the feet stand in the image, of its height

// Low, middle and high tones of the light at an hour 0..1.
vec3 tone(float light, float hour) {
    vec3 night = vec3(0.027, 0.031, 0.059);
    float h = hour * 3.0;
    vec3 deep, warm, bright;
    vec3 violet = vec3(0.20, 0.13, 0.42), wine = vec3(0.34, 0.09, 0.27), sea = vec3(0.03, 0.20, 0.33);
    vec3 ember = vec3(1.0, 0.353, 0.212), rose = vec3(0.839, 0.271, 0.435), purple = vec3(0.50, 0.36, 0.88), tide = vec3(0.12, 0.713, 0.788);
    vec3 amber = vec3(1.0, 0.76, 0.40), blush = vec3(1.0, 0.74, 0.62), pale = vec3(0.80, 0.77, 0.98), bone = vec3(0.87, 0.97, 0.90);
    float a = clamp(h, 0.0, 1.0), b = clamp(h - 1.0, 0.0, 1.0), c = clamp(h - 2.0, 0.0, 1.0);
    deep = mix(mix(mix(wine, wine * 0.9 + violet * 0.1, a), violet, b), sea, c);
    warm = mix(mix(mix(ember, rose, a), purple, b), tide, c);
    bright = mix(mix(mix(amber, blush, a), pale, b), bone, c);
    vec3 colour = mix(night, deep, smoothstep(0.0, 0.38, light));
    colour = mix(colour, warm, smoothstep(0.26, 0.72, light));
    return mix(colour, bright, smoothstep(0.62, 1.0, light));
}

float lattice(vec2 cell) {
    vec2 h = fract(cell * vec2(0.1731, 0.2917));
    h += dot(h, h.yx + 19.37);
    return fract((h.x + h.y) * h.x * 7.13);
}

float noise(vec2 place) {
    vec2 cell = floor(place), t = place - cell;
    t *= t * (3.0 - 2.0 * t);
    return mix(mix(lattice(cell), lattice(cell + vec2(1.0, 0.0)), t.x),
               mix(lattice(cell + vec2(0.0, 1.0)), lattice(cell + vec2(1.0, 1.0)), t.x), t.y);
}

float scale() { return 1.0 - 0.36 * room; }
float horizon() { return FEET * scale() + 0.055 + 0.15 * room; }

// Where a place of the picture (of its height, from the middle and from the floor's edge) is in the image.
vec2 body_place(vec2 p, float aspect) {
    float feet = horizon() - 0.035;
    return vec2(0.5 + p.x / (aspect * scale()), FEET + (p.y - feet) / scale());
}

void main() {
    float aspect = RENDERSIZE.x / RENDERSIZE.y;
    vec2 p = vec2((isf_FragNormCoord.x - 0.5) * aspect, isf_FragNormCoord.y);
    float level = horizon();
    float breath = 0.5 + 0.5 * sin(6.2831853 * fract(TIME / 19.0));
    float sway = sin(6.2831853 * fract(TIME / 83.0));
    float hour = clamp(hue + 0.05 * sin(6.2831853 * fract(TIME / 127.0)), 0.0, 1.0);
    vec2 sun = vec2(0.07 + 0.09 * sway, level + 0.40 * scale() + 0.02 * breath);
    float radius = (0.36 + 0.12 * glow) * scale() + 0.014 * breath;

    if (PASSINDEX == 0) {
        bool mirrored = p.y < level;
        vec2 q = p;
        float depth = max(level - p.y, 0.0);
        if (mirrored) {
            // The water: longer waves the nearer they are.
            float wave = noise(vec2(p.x * 4.0, 9.0 / (depth + 0.06) + 512.0 * fract(TIME / 640.0))) - 0.5;
            q = vec2(p.x + wave * (0.01 + 0.16 * depth), level + depth * 1.15);
        }
        vec2 d = q - sun;
        float far = length(d * vec2(0.82, 1.0));
        float light = exp(-max(far - radius * 0.7, 0.0) / (0.22 + 0.30 * haze)) * (0.56 + 0.20 * glow);
        // Haze in banks that drift past each other.
        float drift = 512.0 * fract(TIME / 20480.0);
        float bank = noise(vec2(q.x * 1.1 + q.y * 1.3 + drift, q.y * 3.4 - q.x * 0.4)) * 0.6 + noise(vec2(q.x * 2.3 - q.y - drift * 1.7, q.y * 6.0 + q.x * 0.5 + 31.0)) * 0.4;
        light *= 1.0 + 0.7 * haze * (bank - 0.5);
        // Light gathers over the floor's edge.
        light += 0.16 * exp(-abs(p.y - level) * 16.0) * exp(-far * far * 1.3) * (0.4 + glow);
        if (mirrored) {
            float disc = smoothstep(radius + 0.05, radius - 0.08, length(d));
            light = mix(light, 0.80, disc * 0.8);
            light *= (0.25 + 0.75 * floor_light) * (1.0 - 0.6 * smoothstep(0.0, 0.3, depth));
            // The body in it: more blurred the further down.
            float body = 0.0;
            for (int i = 0; i < 5; i++) {
                float t = float(i) - 2.0;
                vec2 at = body_place(vec2(q.x + t * (0.002 + 0.035 * depth), level + depth - 0.004), aspect);
                at.y = FEET + (level - 0.035 - p.y) / scale() + t * 0.004;
                at = clamp(at, 0.0, 1.0);
                body += IMG_NORM_PIXEL(inputImage, at).a;
            }
            light *= 1.0 - 0.85 * body * 0.2 * exp(-depth * 3.0);
        }
        gl_FragColor = vec4(tone(clamp(light, 0.0, 1.0), hour), light);
        return;
    }

    vec4 ground = IMG_NORM_PIXEL(ground, isf_FragNormCoord);
    vec3 colour = ground.rgb;
    if (p.y > level - 0.01) {
        float far = length(p - sun);
        float pixel = 1.0 / RENDERSIZE.y;
        float soft = pixel + 0.012 * haze;
        float disc = smoothstep(radius + soft, radius - soft, far) * smoothstep(level - pixel, level + pixel, p.y);
        // Brighter above, as a low sun is; the haze lies before its foot.
        float light = 0.74 + 0.22 * glow + 0.34 * (p.y - sun.y);
        float veil = haze * 0.8 * smoothstep(level + 0.30, level, p.y);
        colour = mix(colour, tone(mix(light, ground.a, veil), hour), disc);
    }
    vec2 at = body_place(p, aspect);
    vec4 body = at.y < 0.0 || at.y > 1.0 || at.x < 0.0 || at.x > 1.0 ? vec4(0.0) : IMG_NORM_PIXEL(inputImage, at);
    // Who stands further back, and is less white for it, has more air before them.
    float air = clamp(1.0 - body.r / max(body.a, 0.01), 0.0, 1.0);
    vec3 dark = mix(vec3(0.022, 0.020, 0.035), ground.rgb, 0.04 + 0.9 * air);
    colour = mix(colour, dark, body.a);
    float dither = fract(52.9829189 * fract(dot(gl_FragCoord.xy, vec2(0.06711056, 0.00583715))));
    gl_FragColor = vec4(colour + (dither - 0.5) / 255.0, 1.0);
}
